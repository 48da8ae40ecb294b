using System.Globalization;
using OnCache.Lab.Bench.Results;
using Spectre.Console;

namespace OnCache.Lab.Bench.Comparing;

/// <summary>A comparison for the terminal.</summary>
internal static class ChangeTable
{
    private const int MostNotes = 12;

    /// <summary>What changed; null when nothing did.</summary>
    public static Table? Of(ResultComparison comparison)
    {
        var changes = comparison.Changes.Where(change => change.Kind != ChangeKind.Same).OrderBy(change => Order(change.Kind)).ToArray();
        if (changes.Length == 0)
        {
            return null;
        }

        var table = new Table().Border(TableBorder.Ascii2);
        table.AddColumn(new TableColumn("metric").NoWrap()).AddColumn(new TableColumn("path").NoWrap()).AddColumn("compared as");
        foreach (var column in (string[])["before", "after", "after / before", "p"])
        {
            table.AddColumn(new TableColumn(column).RightAligned().NoWrap());
        }

        table.AddColumn("verdict");
        foreach (var change in changes)
        {
            table.AddRow(
                change.Metric,
                change.Variant,
                change.Against is { } baseline ? $"ratio to {baseline}" : "figure",
                Numbers.Of(change.Before),
                Numbers.Of(change.After),
                change.Ratio.ToString("F3", CultureInfo.InvariantCulture),
                change.Probability.ToString("0.####", CultureInfo.InvariantCulture),
                Word(change.Kind));
        }

        return table;
    }

    /// <summary>The notes, and last how much of what there is.</summary>
    public static string Summary(ResultComparison comparison)
    {
        var lines = comparison.Notes.Take(MostNotes).Select(note => $"note: {note}").ToList();
        if (comparison.Notes.Count > MostNotes)
        {
            lines.Add($"note: and {comparison.Notes.Count - MostNotes} more");
        }

        var counts = comparison.Changes.ToLookup(change => change.Kind);
        lines.Add($"{comparison.Changes.Count} figures compared: {counts[ChangeKind.Worse].Count()} worse, {counts[ChangeKind.Better].Count()} better, "
            + $"{counts[ChangeKind.Surroundings].Count()} of the surroundings changed, {counts[ChangeKind.Same].Count()} within the noise");
        return string.Join('\n', lines);
    }

    private static int Order(ChangeKind kind) => kind switch { ChangeKind.Worse => 0, ChangeKind.Better => 1, _ => 2 };

    private static string Word(ChangeKind kind) => kind switch
    {
        ChangeKind.Worse => "worse",
        ChangeKind.Better => "better",
        _ => "surroundings",
    };
}
