using OnCache.Lab.Bench.Comparing;
using OnCache.Lab.Bench.Results;

namespace OnCache.Lab.Bench.Builds;

/// <summary>What became of one row between two builds. Pure.</summary>
/// <param name="Rounds">Those that count: of a pair of rounds both or none.</param>
/// <param name="Base">Median time of an operation of the build as it was, us.</param>
/// <param name="This">Of the build as it is.</param>
/// <param name="Ratio">Median over the pairs of rounds of this / base.</param>
/// <param name="Probability">Of the signed-rank test: that both cost the same.</param>
public sealed record BuildVerdict(string Row, int Rounds, double Base, double This, double Ratio, double Probability, BuildChange Change)
{
    public const int LeastRounds = 2 * LeastPairs;
    public const double MostProbability = 0.01;
    public const double LeastShift = 0.02;

    // With fewer, no result can be unlikely enough.
    private const int LeastPairs = 8;

    /// <summary>One for each row that was asked for, in their order.</summary>
    public static IReadOnlyList<BuildVerdict> Of(BenchResult result, IReadOnlyList<string> rows)
    {
        ArgumentNullException.ThrowIfNull(result);
        ArgumentNullException.ThrowIfNull(rows);
        var measured = result.Measurements.Where(measurement => measurement.Figure == Judged.Name).ToLookup(measurement => measurement.Workload, StringComparer.Ordinal);
        return [.. rows.Select(row => Judge(row, [.. measured[row]]))];
    }

    /// <summary>What rows are judged by.</summary>
    public static Figure Judged => Figure.Time;

    private static BuildVerdict Judge(string row, IReadOnlyList<Measurement> builds)
    {
        var (was, now) = (builds.SingleOrDefault(one => one.Variant == Build.Base), builds.SingleOrDefault(one => one.Variant == Build.This));
        if (was is null || now is null || !now.Ratios.TryGetValue(Build.Base, out var ratio))
        {
            return new BuildVerdict(row, 0, double.NaN, double.NaN, double.NaN, 1, BuildChange.TooFew);
        }

        // The rounds of a pair differ in which build's labs were made first; their mean is free of it.
        var ratios = ratio.Samples.Chunk(2).Where(pair => pair is [not null, not null]).Select(pair => Math.Sqrt(pair[0]!.Value * pair[1]!.Value)).ToArray();
        if (ratios.Length < LeastPairs)
        {
            return new BuildVerdict(row, ratios.Length * 2, was.Median, now.Median, ratio.Median, 1, BuildChange.TooFew);
        }

        var (median, probability) = (Statistics.Median(ratios), SignedRankTest.Probability([.. ratios.Select(value => Math.Log(value))]));
        var change = probability > MostProbability || Math.Abs(median - 1) <= LeastShift ? BuildChange.None
            : median > 1 ? BuildChange.Slower : BuildChange.Faster;
        return new BuildVerdict(row, ratios.Length * 2, was.Median, now.Median, median, probability, change);
    }
}

/// <summary>How two builds differ at a row.</summary>
public enum BuildChange
{
    /// <summary>Within two percent, or within the noise.</summary>
    None,
    Faster,
    Slower,

    /// <summary>Measured in too few rounds to say.</summary>
    TooFew,
}
