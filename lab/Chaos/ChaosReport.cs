namespace OnCache.Lab.Chaos;

/// <summary>What a run came to.</summary>
public sealed record ChaosReport
{
    public required int Seed { get; init; }

    /// <summary>How often each kind of event happened.</summary>
    public required IReadOnlyDictionary<string, int> Events { get; init; }

    /// <summary>Messages delivered over TCP and UDP.</summary>
    public required long Packets { get; init; }

    /// <summary>TCP connections made.</summary>
    public required long Connections { get; init; }

    /// <summary>TCP connections that ended early as they would have without us.</summary>
    public required long Excused { get; init; }

    /// <summary>Packets that took the fast path, of all agents that ended in order or still lived at the end.</summary>
    public required long Hits { get; init; }

    /// <summary>Messages under a verdict that had ended, most of them within the bound.</summary>
    public required long Stale { get; init; }

    /// <summary>The longest that such a verdict was in use where agent and API were up.</summary>
    public required TimeSpan WorstHeard { get; init; }

    /// <summary>The longest that it was where signals were lost or the enforcer was late.</summary>
    public required TimeSpan WorstLeased { get; init; }

    /// <summary>Flushes that the agents measured.</summary>
    public required double Flushes { get; init; }

    /// <summary>Seconds; the edge of a bucket of the agents' histogram. Null when there was no flush.</summary>
    public required double? FlushMedian { get; init; }

    /// <inheritdoc cref="FlushMedian"/>
    public required double? Flush99 { get; init; }

    public required IReadOnlyList<string> Violations { get; init; }

    /// <summary>The whole log.</summary>
    public required string LogPath { get; init; }

    public override string ToString() => FormattableString.Invariant(
        $"""
        seed {Seed}: {Events.Values.Sum()} events: {string.Join(", ", Events.Select(entry => $"{entry.Key} {entry.Value}"))}
        packets {Packets}, connections {Connections} ({Excused} ended early as they would have anyway), fast path hits {Hits}
        messages after the end of their verdict {Stale}: at most {WorstHeard.TotalSeconds:0.000} s while heard, {WorstLeased.TotalSeconds:0.000} s while signals were lost
        flushes {Flushes}: p50 {Milliseconds(FlushMedian)}, p99 {Milliseconds(Flush99)}
        violations {Violations.Count}; log {LogPath}
        """);

    private static string Milliseconds(double? seconds) =>
        seconds is { } value ? FormattableString.Invariant($"<= {value * 1000:0.###} ms") : "not measured";
}
