using OnCache.Lab.Bench.Suites;
using Spectre.Console;

namespace OnCache.Lab.Bench.Results;

/// <summary>A result for the terminal.</summary>
internal static class ResultTable
{
    public const string Legend =
        "medians; ratios are min-median-max over rounds, each of one round's own pair. op: an exchange, a datagram, or a KiB of a TCP stream. "
        + "lost: datagrams lost or segments sent again, per million op.";

    public static Table Of(BenchResult result)
    {
        var table = new Table().Border(TableBorder.Ascii2);
        table.AddColumn(new TableColumn("workload").NoWrap()).AddColumn(new TableColumn("path").NoWrap());
        foreach (var column in (string[])["rate", "p50 us", "p99 us", "CPU us/op", "lost", "/ overlay", "/ host-rules", "/ host", "CPU / overlay"])
        {
            table.AddColumn(new TableColumn(column).RightAligned().NoWrap());
        }

        var workload = "";
        foreach (var row in ResultRow.Of(result.Measurements))
        {
            table.AddRow(
                row.Workload == workload ? "" : row.Workload,
                row.Variant,
                row.MainText,
                row.Text(Figure.P50),
                row.Text(Figure.P99),
                row.Text(Figure.Cpu),
                row.LossText,
                ResultRow.RatioText(row.Main, Variant.Overlay),
                ResultRow.RatioText(row.Main, Variant.HostRules),
                ResultRow.RatioText(row.Main, Variant.Host),
                ResultRow.RatioText(row.Cpu, Variant.Overlay));
            workload = row.Workload;
        }

        return table;
    }

    /// <summary>One row for each figure of each variant, with the ratio to the first of its kind where there is one.</summary>
    public static Table OfFigures(BenchResult result)
    {
        var table = new Table().Border(TableBorder.Ascii2);
        table.AddColumn(new TableColumn("metric").NoWrap()).AddColumn(new TableColumn("at").NoWrap());
        foreach (var column in (string[])["min", "median", "max", "unit", "/ first"])
        {
            table.AddColumn(new TableColumn(column).RightAligned().NoWrap());
        }

        foreach (var one in result.Measurements.OrderBy(measurement => measurement.Metric, StringComparer.Ordinal))
        {
            var ratio = one.Ratios.Count == 0 ? "-" : Numbers.Of(one.Ratios.Values.First());
            table.AddRow(one.Metric, one.Variant, Numbers.Of(one.Min), Numbers.Of(one.Median), Numbers.Of(one.Max), one.Unit, ratio);
        }

        return table;
    }
}
