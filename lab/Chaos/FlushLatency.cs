using System.Globalization;

namespace OnCache.Lab.Chaos;

/// <summary>The agents' own histogram of how long flushes took, summed over causes, agents and their incarnations.</summary>
internal sealed class FlushLatency
{
    private const string Bucket = "oncache_flush_latency_seconds_bucket{";
    private readonly SortedDictionary<double, double> cumulative = [];

    /// <summary>Flushes counted.</summary>
    public double Count => cumulative.Count == 0 ? 0 : cumulative.Last().Value;

    /// <summary>Adds the histograms of one page of metrics.</summary>
    public void Add(string page)
    {
        foreach (var line in page.Split('\n').Where(line => line.StartsWith(Bucket, StringComparison.Ordinal)))
        {
            var from = line.IndexOf("le=\"", StringComparison.Ordinal) + 4;
            var edge = line[from..line.IndexOf('"', from)];
            var upTo = edge == "+Inf" ? double.PositiveInfinity : double.Parse(edge, CultureInfo.InvariantCulture);
            var count = double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
            cumulative[upTo] = cumulative.GetValueOrDefault(upTo) + count;
        }
    }

    /// <summary>The edge of the bucket below which this share of the flushes lies, in seconds; null when there was none.</summary>
    public double? Quantile(double share) =>
        Count == 0 ? null : cumulative.First(bucket => bucket.Value >= share * Count).Key;
}
