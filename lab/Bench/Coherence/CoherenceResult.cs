using System.Text.Json.Serialization;

namespace OnCache.Lab.Bench.Coherence;

/// <summary>Samples of one metric on one variant, such as <c>110 pods</c>.</summary>
public sealed record Measurement(string Metric, string Variant, string Unit, IReadOnlyList<double> Samples)
{
    public double Median => Quantile(0.5);

    public double P99 => Quantile(0.99);

    public double Max => Quantile(1);

    public double Sum => Samples.Sum();

    private double Quantile(double share) => Samples.Count == 0 ? double.NaN : Statistics.Reached(Samples, share);
}

/// <summary>What the measurement of coherence found, as it goes to the JSON file.</summary>
public sealed record CoherenceResult(string Kernel, int Processors, double Load, int Flows, IReadOnlyList<Measurement> Measurements)
{
    /// <summary>What contradicts the guarantee: empty for a good run. Speed is for the reader to judge.</summary>
    public IReadOnlyList<string> Violations =>
    [
        .. Measurements
            .Where(static measurement => measurement.Metric.EndsWith(CoherenceMetric.StaleAfter, StringComparison.Ordinal) && measurement.Sum > 0)
            .Select(static measurement => FormattableString.Invariant($"{measurement.Metric}, {measurement.Variant}: {measurement.Sum} packets under a stale verdict")),
    ];
}

/// <summary>Names of metrics, behind the name of what happened.</summary>
internal static class CoherenceMetric
{
    public const string Agent = "watch event to effect";
    public const string SinceReturn = "write returned to last stale packet";
    public const string SinceSend = "write begun to last stale packet";
    public const string StaleBefore = "stale packets before the effect";
    public const string StaleAfter = "stale packets after the bound";
}

[JsonSourceGenerationOptions(
    WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(CoherenceResult))]
internal sealed partial class CoherenceJson : JsonSerializerContext;
