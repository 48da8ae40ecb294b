using System.Diagnostics;
using System.Globalization;
using OnCache.Lab.Bench;
using OnCache.Lab.Traffic;
using Spectre.Console;

namespace OnCache.Lab.Demo;

/// <summary>What the demonstration shows: a bar on a terminal, plain lines elsewhere, and a table at the end.</summary>
internal sealed class DemoConsole : IProgress<string>
{
    // A file or pipe has no width; lines are not to be broken in it.
    private const int PlainWidth = 200;
    private readonly IAnsiConsole console;
    private readonly long started = Stopwatch.GetTimestamp();

    public DemoConsole(IAnsiConsole console)
    {
        this.console = console;
        if (!console.Profile.Out.IsTerminal)
        {
            console.Profile.Width = PlainWidth;
        }
    }

    public void Say(string line) => console.WriteLine(line);

    /// <summary>Says what begins now, with the time since the beginning.</summary>
    public void Step(string what) =>
        Say(string.Create(CultureInfo.InvariantCulture, $"[{Stopwatch.GetElapsedTime(started).TotalSeconds,5:F1} s] {what}"));

    void IProgress<string>.Report(string value) => Step(value);

    /// <summary>Runs the slices and shows how far they are. Nothing is drawn during a slice: it would be measured too.</summary>
    public async Task FollowAsync(int total, Func<Action<string>, Task> work)
    {
        if (console.Profile.Capabilities.Interactive)
        {
            await console.Progress().AutoRefresh(false).AutoClear(true).StartAsync(async context =>
            {
                var bar = context.AddTask("measuring", maxValue: total);
                await work(text =>
                {
                    bar.Description = Markup.Escape(text);
                    bar.Increment(1);
                    context.Refresh();
                });
            });
            return;
        }

        var done = 0;
        await work(text =>
        {
            if (++done % 12 == 0 || done == total)
            {
                console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {done}/{total} {text}"));
            }
        });
    }

    /// <summary>Writes a table.</summary>
    public void Show(Table table) => console.Write(table);

    public void Show(IReadOnlyList<ComparisonRow> rows)
    {
        var table = new Table().Border(TableBorder.Ascii2);
        table.AddColumn("metric").AddColumn("path");
        foreach (var column in (string[])["rate", "p50 us", "CPU us/op", "rate / overlay", "rate / host", "CPU / overlay", "CPU / host"])
        {
            table.AddColumn(new TableColumn(column).RightAligned().NoWrap());
        }

        var metric = "";
        foreach (var row in rows)
        {
            table.AddRow(
                row.Metric == metric ? "" : row.Metric,
                row.Variant,
                RateOf(row),
                Number(row.P50Microseconds, "F1"),
                Number(row.CpuMicroseconds, "F2"),
                Ratio(row.RateRatios, DemoVariant.Overlay),
                Ratio(row.RateRatios, DemoVariant.Host),
                Ratio(row.CpuRatios, DemoVariant.Overlay),
                Ratio(row.CpuRatios, DemoVariant.Host));
            metric = row.Metric;
        }

        console.Write(table);
        Say("op: an exchange, a datagram of 1400 bytes, or a KiB of the TCP stream. Ratios are medians over rounds.");
    }

    private static string RateOf(ComparisonRow row) =>
        TrafficKinds.ByName[row.Metric].IsStream()
            ? string.Create(CultureInfo.InvariantCulture, $"{row.Gbps:F2} Gb/s")
            : string.Create(CultureInfo.InvariantCulture, $"{row.Rate / 1000:F1} k/s");

    private static string Ratio(IReadOnlyDictionary<string, double> ratios, string baseline) =>
        ratios.TryGetValue(baseline, out var ratio) ? Number(ratio, "F2") : "-";

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";
}
