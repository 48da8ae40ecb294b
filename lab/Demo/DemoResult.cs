using System.Text.Json.Serialization;
using OnCache.Lab.Bench;

namespace OnCache.Lab.Demo;

/// <summary>Packets of both nodes between the warm-up and the end, by the path they took.</summary>
public sealed record FastPathUse(long Hits, long Misses)
{
    /// <summary>Below this the measured figures are not the fast path's.</summary>
    public const double LeastRatio = 0.9;

    public static FastPathUse operator -(FastPathUse left, FastPathUse right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        return new FastPathUse(left.Hits - right.Hits, left.Misses - right.Misses);
    }

    /// <summary>Share of packets that took the fast path, 0 to 1; 0 when there were none.</summary>
    public double Ratio => Hits + Misses == 0 ? 0 : (double)Hits / (Hits + Misses);

    /// <summary>Why these counters do not show the fast path at work; null when they do.</summary>
    [JsonIgnore]
    public string? Objection =>
        Hits <= 0 ? "the fast path was not taken: no hits were counted during the measurement"
        : Ratio < LeastRatio ? FormattableString.Invariant($"the fast path was taken too rarely: hit ratio {Ratio:F3}, below {LeastRatio}")
        : null;
}

/// <summary>What the demonstration found, as it goes to the JSON file.</summary>
/// <param name="Mtu">Of the wire, bytes.</param>
/// <param name="SliceSeconds">Measured time of each slice.</param>
/// <param name="FastPath">Null when no agent took part.</param>
public sealed record DemoResult(
    string Kernel, int Mtu, int Core, int Rounds, double SliceSeconds, IReadOnlyList<ComparisonRow> Rows, FastPathUse? FastPath);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(DemoResult))]
internal sealed partial class DemoJson : JsonSerializerContext;
