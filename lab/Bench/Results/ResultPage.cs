using System.Globalization;
using System.Net;
using System.Text;
using OnCache.Lab.Bench.Suites;

namespace OnCache.Lab.Bench.Results;

/// <summary>A result as one HTML file that needs nothing else: no script, no network.</summary>
internal static class ResultPage
{
    private const string Style = """
        body { font: 15px/1.45 sans-serif; margin: 2em auto; max-width: 76em; padding: 0 1em; color: #222 }
        table { border-collapse: collapse; margin: 1em 0; font-size: 13px }
        th, td { border-bottom: 1px solid #ddd; padding: .25em .7em; text-align: left; font-variant-numeric: tabular-nums }
        td.n, th.n { text-align: right; white-space: nowrap }
        section { margin-top: 2.5em } .gap { color: #a33 } img { max-width: 100% }
        """;

    /// <param name="result">What to show.</param>
    /// <param name="plots">SVG by title of the section; sections without one have only their table.</param>
    public static string Render(BenchResult result, IReadOnlyDictionary<string, string> plots)
    {
        var html = new StringBuilder("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        html.Append(CultureInfo.InvariantCulture, $"<title>OnCache: {Text(result.Subject)}</title>\n<style>{Style}</style>\n</head>\n<body>\n");
        html.Append(CultureInfo.InvariantCulture, $"<h1>OnCache benchmarks: {Text(result.Subject)}</h1>\n");
        html.Append(CultureInfo.InvariantCulture, $"<p>{result.Began:yyyy-MM-dd HH:mm} UTC, {result.Seconds:F0} s, {result.Rounds} rounds of slices of {result.SliceSeconds} s. {Text(ResultTable.Legend)}</p>\n");
        Gaps(html, result.Gaps);
        Definitions(html, result.Variants);
        foreach (var section in ResultRow.Of(result.Measurements).GroupBy(row => row.Workload, StringComparer.Ordinal))
        {
            html.Append(CultureInfo.InvariantCulture, $"<section>\n<h2>{Text(section.Key)}</h2>\n");
            if (plots.TryGetValue(section.Key, out var svg))
            {
                html.Append(CultureInfo.InvariantCulture, $"<img alt=\"{Text(section.Key)}\" src=\"data:image/svg+xml;base64,{Convert.ToBase64String(Encoding.UTF8.GetBytes(svg))}\">\n");
            }

            Rows(html, [.. section]);
            Others(html, [.. section]);
            html.Append("</section>\n");
        }

        Machine(html, result.Machine);
        return html.Append("</body>\n</html>\n").ToString();
    }

    private static void Gaps(StringBuilder html, IReadOnlyList<string> gaps)
    {
        if (gaps.Count > 0)
        {
            html.Append("<h2>Not measured</h2>\n<ul class=\"gap\">\n");
            html.AppendJoin("", gaps.Select(gap => $"<li>{Text(gap)}</li>\n"));
            html.Append("</ul>\n");
        }
    }

    private static void Definitions(StringBuilder html, IReadOnlyDictionary<string, string> variants)
    {
        html.Append("<table>\n");
        html.AppendJoin("", variants.Select(variant => $"<tr><th>{Text(variant.Key)}</th><td>{Text(variant.Value)}</td></tr>\n"));
        html.Append("</table>\n");
    }

    private static void Rows(StringBuilder html, IReadOnlyList<ResultRow> rows)
    {
        if (rows.All(row => row.Main is null))
        {
            return;
        }

        Header(html, "path", "rate", "p50 us", "p99 us", "CPU us/op", "lost", "/ overlay", "/ host-rules", "/ host", "CPU / overlay", "CPU / host-rules");
        foreach (var row in rows)
        {
            Row(
                html,
                row.Variant,
                row.MainText,
                row.Text(Figure.P50),
                row.Text(Figure.P99),
                row.Text(Figure.Cpu),
                row.LossText,
                ResultRow.RatioText(row.Main, Variant.Overlay),
                ResultRow.RatioText(row.Main, Variant.HostRules),
                ResultRow.RatioText(row.Main, Variant.Host),
                ResultRow.RatioText(row.Cpu, Variant.Overlay),
                ResultRow.RatioText(row.Cpu, Variant.HostRules));
        }

        html.Append("</table>\n");
    }

    /// <summary>What only some variants have: times of programs, shares of packets.</summary>
    private static void Others(StringBuilder html, IReadOnlyList<ResultRow> rows)
    {
        string[] shown = [Figure.Rate.Name, Figure.Throughput.Name, Figure.P50.Name, Figure.P99.Name, Figure.Cpu.Name, Figure.Lost.Name, Figure.Retransmitted.Name];
        var others = rows.SelectMany(row => row.Figures.Values).Where(measurement => !shown.Contains(measurement.Figure, StringComparer.Ordinal)).ToArray();
        if (others.Length == 0)
        {
            return;
        }

        Header(html, "figure", "path", "min", "median", "max", "unit");
        foreach (var one in others)
        {
            Row(html, one.Figure, one.Variant, Numbers.Of(one.Min), Numbers.Of(one.Median), Numbers.Of(one.Max), one.Unit);
        }

        html.Append("</table>\n");
    }

    private static void Machine(StringBuilder html, MachineFacts machine)
    {
        html.Append("<section>\n<h2>Machine</h2>\n<table>\n");
        var facts = new List<(string Name, string Value)>
        {
            ("kernel", machine.Kernel),
            ("CPU", $"{machine.Cpus} of {machine.Cpu}"),
            ("governor", machine.Governor ?? "none to choose"),
            ("memory", string.Create(CultureInfo.InvariantCulture, $"{machine.MemoryGib} GiB")),
            ("load at the beginning (1, 5, 15 min)", machine.Load),
            ("commit", machine.Commit ?? "not a checkout"),
        };
        facts.AddRange(machine.Versions.Select(version => (version.Key, version.Value)));
        facts.AddRange(machine.Offloads.Select(device => (device.Key, string.Join(", ", device.Value))));
        html.AppendJoin("", facts.Select(fact => $"<tr><th>{Text(fact.Name)}</th><td>{Text(fact.Value)}</td></tr>\n"));
        html.Append("</table>\n</section>\n");
    }

    private static void Header(StringBuilder html, params string[] names) =>
        html.Append("<table>\n<tr>").AppendJoin("", names.Select((name, index) => $"<th{Class(index)}>{Text(name)}</th>")).Append("</tr>\n");

    private static void Row(StringBuilder html, params string[] cells) =>
        html.Append("<tr>").AppendJoin("", cells.Select((cell, index) => $"<td{Class(index)}>{Text(cell)}</td>")).Append("</tr>\n");

    private static string Class(int column) => column == 0 ? "" : " class=\"n\"";

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
