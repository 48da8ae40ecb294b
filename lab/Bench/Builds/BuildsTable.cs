using System.Globalization;
using OnCache.Lab.Bench.Results;
using Spectre.Console;

namespace OnCache.Lab.Bench.Builds;

/// <summary>The comparison of two builds for the terminal.</summary>
internal static class BuildsTable
{
    public const string Legend =
        "time of an operation with both sides on one core, medians; this / base is the median over pairs of rounds; p: of the signed-rank test over the same ratios. "
        + "slower: by more than 2 % with p <= 0.01.";

    public static Table Of(IReadOnlyList<BuildVerdict> verdicts)
    {
        var table = new Table().Border(TableBorder.Ascii2);
        table.AddColumn(new TableColumn("row").NoWrap());
        foreach (var column in (string[])["rounds", "base us/op", "this us/op", "this / base", "p", "verdict"])
        {
            table.AddColumn(new TableColumn(column).RightAligned().NoWrap());
        }

        foreach (var verdict in verdicts)
        {
            table.AddRow(
                verdict.Row,
                verdict.Rounds.ToString(CultureInfo.InvariantCulture),
                Numbers.Of(verdict.Base),
                Numbers.Of(verdict.This),
                verdict.Ratio.ToString("F3", CultureInfo.InvariantCulture),
                verdict.Probability.ToString("0.####", CultureInfo.InvariantCulture),
                Word(verdict.Change));
        }

        return table;
    }

    private static string Word(BuildChange change) => change switch
    {
        BuildChange.Slower => "slower",
        BuildChange.Faster => "faster",
        BuildChange.TooFew => $"fewer than {BuildVerdict.LeastRounds} rounds",
        _ => "the same",
    };
}
