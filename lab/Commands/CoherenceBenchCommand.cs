using System.CommandLine;
using System.Globalization;
using OnCache.Lab.Bench.Coherence;
using Spectre.Console;

namespace OnCache.Lab.Commands;

internal static class CoherenceBenchCommand
{
    public static Command Create()
    {
        var usual = new CoherenceOptions { Agent = "", Operator = "", Definitions = "" };
        var root = LabArguments.Root();
        var pods = new Option<string>("--pods")
        {
            Description = "Local pods, one run for each number",
            DefaultValueFactory = _ => string.Join(',', usual.Pods),
        };
        var flows = LabArguments.Number("--flows", "Cached flows", usual.Flows);
        var events = LabArguments.Number("--events", "Events of each kind", usual.Events);
        var repeats = LabArguments.Number("--repeats", "Purges, and policy changes that the agent does not hear of", usual.Repeats);
        var rate = LabArguments.Number("--rate", "Packets a second of the observed flow", usual.Rate);
        var json = LabArguments.Json();
        var command = new Command("coherence", "How long cached verdicts outlive what made them wrong") { root, pods, flows, events, repeats, rate, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = usual with
            {
                Agent = Path.Combine(AppContext.BaseDirectory, "oncache-agent"),
                Operator = Path.Combine(AppContext.BaseDirectory, "oncache-operator"),
                Definitions = Path.Combine(Path.GetFullPath(parsed.GetValue(root)!), "config", "crd"),
                Pods = [.. parsed.GetValue(pods)!.Split(',').Select(Number)],
                Flows = parsed.GetValue(flows),
                Events = parsed.GetValue(events),
                Repeats = parsed.GetValue(repeats),
                Rate = parsed.GetValue(rate),
                JsonPath = parsed.GetValue(json),
            };
            var result = await new CoherenceBench(options, Console.WriteLine).RunAsync(cancellationToken);
            Show(result);
            foreach (var violation in result.Violations)
            {
                await Console.Error.WriteLineAsync($"oncache-lab: {violation}");
            }

            return result.Violations.Count == 0 ? 0 : 1;
        });
        return command;
    }

    private static int Number(string text) =>
        int.TryParse(text, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new LabOptionException("pods", text, "a whole number, or several with commas between them");

    private static void Show(CoherenceResult result)
    {
        var console = AnsiConsole.Console;
        console.Profile.Width = Math.Max(console.Profile.Width, 160);
        var table = new Table().Border(TableBorder.Ascii2);
        table.AddColumns("metric", "variant", "unit");
        foreach (var column in (string[])["n", "p50", "p99", "max"])
        {
            table.AddColumn(new TableColumn(column).RightAligned().NoWrap());
        }

        foreach (var row in result.Measurements)
        {
            table.AddRow(row.Metric, row.Variant, row.Unit, $"{row.Samples.Count}", Figure(row.Median), Figure(row.P99), Figure(row.Max));
        }

        console.Write(table);
        console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{result.Flows} cached flows; kernel {result.Kernel}, {result.Processors} CPUs, load {result.Load}"));
    }

    private static string Figure(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
