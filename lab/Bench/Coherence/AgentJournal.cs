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

    /// <summary>The last flush of all, with what caused it; null before the first.</summary>
    public static string? LastFlush(string log) => FlushLine.Matches(log) is [.., var last] ? last.Value.Trim()["info".Length..].Trim() : null;

    /// <summary>Flushes up to now, by cause.</summary>
    public static IReadOnlyDictionary<string, long> FlushCounts(string metrics) =>
        FlushCount.Matches(metrics).ToDictionary(
            static match => match.Groups["cause"].Value,
            static match => long.Parse(match.Groups["count"].ValueSpan, CultureInfo.InvariantCulture),
            StringComparer.Ordinal);

    private static double Value(string metrics, string name) =>
        metrics.Split('\n').FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) is { } line
            ? double.Parse(line[name.Length..], CultureInfo.InvariantCulture)
            : 0;

    [GeneratedRegex("""^oncache_flushes_total\{cause="(?<cause>\w+)"[^}]*\} (?<count>\d+)""", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex FlushCount { get; }

    [GeneratedRegex(@" info  (?<cause>\w+): .*; \d+ endpoints and \d+ nodes flushed in (?<time>\d+) us", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex FlushLine { get; }
}
