namespace OnCache.Lab.Bench.Results;

/// <summary>Collects the samples of a run and reduces them. Pure.</summary>
/// <param name="baselines">The variants that the others are compared with, by name.</param>
public sealed class MeasurementTable(int rounds, IReadOnlyList<string> baselines)
{
    private readonly Dictionary<(string Workload, Figure Figure, string Variant), double?[]> samples = [];
    private readonly List<(string Workload, Figure Figure, string Variant)> order = [];

    /// <param name="round">From 1.</param>
    /// <exception cref="ArgumentException">The round has a sample already.</exception>
    public void Add(int round, string workload, string variant, Figure figure, double value)
    {
        ArgumentNullException.ThrowIfNull(figure);
        ArgumentOutOfRangeException.ThrowIfLessThan(round, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(round, rounds);
        var key = (workload, figure, variant);
        if (!samples.TryGetValue(key, out var row))
        {
            samples.Add(key, row = new double?[rounds]);
            order.Add(key);
        }

        if (row[round - 1] is not null)
        {
            throw new ArgumentException($"{workload} on {variant}: round {round} was measured already", nameof(round));
        }

        row[round - 1] = value;
    }

    /// <summary>One for each workload, figure and variant, in the order in which they were first seen.</summary>
    public IReadOnlyList<Measurement> Measurements() => [.. order.Select(Reduce)];

    private Measurement Reduce((string Workload, Figure Figure, string Variant) key)
    {
        var own = samples[key];
        var known = own.OfType<double>().ToArray();
        var ratios = new Dictionary<string, RatioSummary>(StringComparer.Ordinal);
        foreach (var baseline in key.Figure.Compared ? baselines.Where(name => name != key.Variant) : [])
        {
            if (samples.TryGetValue(key with { Variant = baseline }, out var other) && Ratio(own, other) is { } ratio)
            {
                ratios.Add(baseline, ratio);
            }
        }

        var figure = key.Figure;
        return new Measurement(
            $"{key.Workload}/{figure.Name}",
            key.Workload,
            figure.Name,
            key.Variant,
            figure.Unit,
            figure.MoreIsBetter,
            own,
            known.Min(),
            Statistics.Median(known),
            known.Max(),
            ratios);
    }

    private static RatioSummary? Ratio(double?[] own, double?[] other)
    {
        var paired = own.Zip(other, (value, baseline) => baseline is > 0 ? value / baseline : null).ToArray();
        var known = paired.OfType<double>().ToArray();
        return known.Length == 0 ? null : new RatioSummary(paired, known.Min(), Statistics.Median(known), known.Max());
    }
}
