using OnCache.Lab.Bench.Results;
using OnCache.Lab.Bench.Suites;

namespace OnCache.Lab.Bench.Comparing;

/// <summary>Tells what changed between two results beyond their noise. Pure.</summary>
/// <remarks>
/// Where a figure has ratios to the overlay of the same round these are compared, so that a slower machine is no change; else the figure itself.
/// It has changed when all of this holds:
/// the rank test gives the two samples at most 1 % to be one and the same, which takes five rounds at least on both sides;
/// the medians are further apart than the larger of the two interquartile ranges;
/// they differ by more than 3 %, for a figure that is not paired by more than 10 %.
/// </remarks>
public sealed class ResultComparison
{
    public const int LeastRounds = 5;
    public const double MostProbability = 0.01;
    public const double LeastPairedShift = 0.03;
    public const double LeastPlainShift = 0.10;

    private ResultComparison(IReadOnlyList<Change> changes, IReadOnlyList<string> notes)
    {
        Changes = changes;
        Notes = notes;
    }

    /// <summary>Every figure that both results have, changed or not.</summary>
    public IReadOnlyList<Change> Changes { get; }

    /// <summary>What makes the two hard to compare, and what only one of them has; one line each.</summary>
    public IReadOnlyList<string> Notes { get; }

    public bool HasRegression => Changes.Any(change => change.Kind == ChangeKind.Worse);

    public static ResultComparison Of(BenchResult before, BenchResult after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        var (old, current) = (ByKey(before), ByKey(after));
        return new ResultComparison(
            [.. current.Where(pair => old.ContainsKey(pair.Key)).Select(pair => Compare(old[pair.Key], pair.Value))],
            [.. NotesOn(before, after), .. Missing(old, current, "the first"), .. Missing(current, old, "the second")]);
    }

    internal static Change Compare(Measurement before, Measurement after)
    {
        var against = before.Ratios.ContainsKey(Variant.Overlay) && after.Ratios.ContainsKey(Variant.Overlay) ? Variant.Overlay : null;
        var (old, current) = (Samples(before, against), Samples(after, against));
        var (was, now) = (Statistics.Median(old), Statistics.Median(current));
        var probability = RankTest.Probability(old, current);
        var changed = Math.Min(old.Length, current.Length) >= LeastRounds
            && probability <= MostProbability
            && Math.Abs(now - was) > Math.Max(Statistics.InterquartileRange(old), Statistics.InterquartileRange(current))
            && Math.Abs(now - was) > Math.Abs(was) * (against is null ? LeastPlainShift : LeastPairedShift);
        var kind = !changed ? ChangeKind.Same
            : Variant.Baselines.Contains(before.Variant, StringComparer.Ordinal) ? ChangeKind.Surroundings
            : now > was == before.MoreIsBetter ? ChangeKind.Better
            : ChangeKind.Worse;
        return new Change(before.Metric, before.Variant, against, was, now, probability, kind);
    }

    private static double[] Samples(Measurement measurement, string? against) =>
        [.. (against is null ? measurement.Samples : measurement.Ratios[against].Samples).OfType<double>()];

    private static Dictionary<(string Metric, string Variant), Measurement> ByKey(BenchResult result) =>
        result.Measurements.ToDictionary(measurement => (measurement.Metric, measurement.Variant));

    private static IEnumerable<string> NotesOn(BenchResult before, BenchResult after)
    {
        if (Math.Min(before.Rounds, after.Rounds) < LeastRounds)
        {
            yield return $"{before.Rounds} and {after.Rounds} rounds are too few to tell a change from noise: {LeastRounds} at least";
        }

        (string What, string Before, string After)[] facts =
        [
            ("kernel", before.Machine.Kernel, after.Machine.Kernel),
            ("CPU", before.Machine.Cpu, after.Machine.Cpu),
            ("suite", before.Subject, after.Subject),
        ];
        foreach (var (what, was, now) in facts.Where(fact => fact.Before != fact.After))
        {
            yield return $"{what}: {was} before, {now} after";
        }
    }

    private static IEnumerable<string> Missing(
        Dictionary<(string Metric, string Variant), Measurement> has, Dictionary<(string Metric, string Variant), Measurement> lacks, string which) =>
        has.Keys.Where(key => !lacks.ContainsKey(key)).Select(key => $"{key.Metric} on {key.Variant}: only in {which} result");
}
