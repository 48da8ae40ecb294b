namespace OnCache.Lab.Bench;

/// <summary>Medians of one metric on one variant, and paired ratios to the other variants.</summary>
/// <param name="RateRatios">By baseline variant: the median over rounds of this rate / that rate.</param>
/// <param name="CpuRatios">The same for CPU time per transaction.</param>
public sealed record ComparisonRow(
    string Metric,
    string Variant,
    double Rate,
    double Gbps,
    double? P50Microseconds,
    double CpuMicroseconds,
    IReadOnlyDictionary<string, double> RateRatios,
    IReadOnlyDictionary<string, double> CpuRatios);

/// <summary>Collects the samples of an interleaved comparison and reduces them. Pure but for what it was given.</summary>
public sealed class Comparison
{
    private readonly Dictionary<(string Metric, string Variant), SortedDictionary<int, Sample>> samples = [];
    private readonly List<(string Metric, string Variant)> order = [];

    public void Add(int round, string metric, string variant, Sample sample)
    {
        if (!samples.TryGetValue((metric, variant), out var rounds))
        {
            samples.Add((metric, variant), rounds = []);
            order.Add((metric, variant));
        }

        rounds.Add(round, sample);
    }

    /// <summary>One row for each metric and variant, in the order they were first seen.</summary>
    public IReadOnlyList<ComparisonRow> Rows() => [.. order.Select(Row)];

    private ComparisonRow Row((string Metric, string Variant) key)
    {
        var own = samples[key];
        var times = own.Values.Select(sample => sample.P50Microseconds).OfType<double>().ToArray();
        return new ComparisonRow(
            key.Metric,
            key.Variant,
            Statistics.Median(own.Values.Select(sample => sample.Rate)),
            Statistics.Median(own.Values.Select(sample => sample.Gbps)),
            times.Length == 0 ? null : Statistics.Median(times),
            Statistics.Median(own.Values.Select(sample => sample.CpuMicroseconds)),
            Ratios(key, sample => sample.Rate),
            Ratios(key, sample => sample.CpuMicroseconds));
    }

    private Dictionary<string, double> Ratios((string Metric, string Variant) key, Func<Sample, double> figure)
    {
        var own = ByRound(key, figure);
        var ratios = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var baseline in order.Where(other => other.Metric == key.Metric && other.Variant != key.Variant))
        {
            if (Statistics.PairedRatio(own, ByRound(baseline, figure)) is { } ratio)
            {
                ratios.Add(baseline.Variant, ratio);
            }
        }

        return ratios;
    }

    private Dictionary<int, double> ByRound((string Metric, string Variant) key, Func<Sample, double> figure) =>
        samples[key].ToDictionary(pair => pair.Key, pair => figure(pair.Value));
}
