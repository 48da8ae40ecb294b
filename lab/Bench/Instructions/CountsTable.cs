using System.Globalization;
using Spectre.Console;

namespace OnCache.Lab.Bench.Instructions;

/// <summary>Counts for the terminal: a line for each path, with the change against the reference.</summary>
internal static class CountsTable
{
    public const string Legend = "instructions per transaction, of both sides and both nodes; behind them the change against the reference";

    public static Table Of(CountComparison comparison)
    {
        string[] kinds = [.. comparison.Rows.Select(row => row.Kind).Distinct(StringComparer.Ordinal)];
        var table = new Table().Border(TableBorder.Ascii2);
        table.AddColumn(new TableColumn("path").NoWrap());
        foreach (var kind in kinds)
        {
            table.AddColumn(new TableColumn(kind).RightAligned().NoWrap());
        }

        foreach (var path in comparison.Rows.GroupBy(row => row.Path, StringComparer.Ordinal))
        {
            table.AddRow([path.Key, .. kinds.Select(kind => path.SingleOrDefault(row => row.Kind == kind) is { } row ? Text(row) : "-")]);
        }

        return table;
    }

    private static string Text(CountRow row) => row.Rise is { } rise
        ? string.Create(CultureInfo.InvariantCulture, $"{row.Instructions:N0} ({rise * 100:+0.0;-0.0;0.0} %)")
        : row.Instructions.ToString("N0", CultureInfo.InvariantCulture);
}
