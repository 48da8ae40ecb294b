namespace OnCache.Lab.Bench.Results;

/// <summary>All samples of one figure of one workload on one variant.</summary>
/// <param name="Metric">Workload and figure, e.g. tcp-rr/cross-core/rate.</param>
/// <param name="Samples">One for each round, in their order; null where the round has none.</param>
/// <param name="Ratios">By baseline: this variant's samples over those of the baseline of the same round.</param>
public sealed record Measurement(
    string Metric,
    string Workload,
    string Figure,
    string Variant,
    string Unit,
    bool MoreIsBetter,
    IReadOnlyList<double?> Samples,
    double Min,
    double Median,
    double Max,
    IReadOnlyDictionary<string, RatioSummary> Ratios);

/// <summary>Ratios paired by round.</summary>
/// <param name="Samples">One for each round; null where a side has none.</param>
public sealed record RatioSummary(IReadOnlyList<double?> Samples, double Min, double Median, double Max);
