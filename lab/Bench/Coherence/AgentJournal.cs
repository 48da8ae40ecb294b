using System.Globalization;
using System.Text.RegularExpressions;

namespace OnCache.Lab.Bench.Coherence;

/// <summary>What an agent has said of its flushes and sweeps.</summary>
internal static partial class AgentJournal
{
    private const string SweepSum = "oncache_sweep_duration_seconds_sum ";
    private const string Swept = "oncache_swept_total ";

    /// <summary>From event to effect, in ms, of each flush by one of these causes, in order.</summary>
    public static IReadOnlyList<double> Flushes(string log, params IReadOnlyCollection<string> causes) =>
    [
        .. FlushLine.Matches(log)
            .Where(match => causes.Contains(match.Groups["cause"].Value, StringComparer.Ordinal))
            .Select(static match => double.Parse(match.Groups["time"].ValueSpan, CultureInfo.InvariantCulture) / 1000),
    ];

    /// <summary>Seconds spent in sweeps and verdicts freed by them, up to now.</summary>
    public static (double Seconds, double Verdicts) Sweeps(string metrics) => (Value(metrics, SweepSum), Value(metrics, Swept));

    private static double Value(string metrics, string name) =>
        metrics.Split('\n').FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) is { } line
            ? double.Parse(line[name.Length..], CultureInfo.InvariantCulture)
            : 0;

    [GeneratedRegex(@" info  (?<cause>\w+): .*; \d+ endpoints and \d+ nodes flushed in (?<time>\d+) us", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex FlushLine { get; }
}
