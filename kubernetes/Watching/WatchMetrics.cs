using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace OnCache.Kubernetes.Watching;

/// <summary>What the watches of a process report. One instance per process, disposed last.</summary>
public sealed class WatchMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "OnCache.Kubernetes.Watching";

    private readonly Counter<long> _events;
    private readonly Counter<long> _lists;
    private readonly Counter<long> _reconnects;
    private readonly ConcurrentDictionary<WatchPulse, string> _pulses = new();

    /// <summary>Registers the instruments.</summary>
    public WatchMetrics()
    {
        _events = Meter.CreateCounter<long>("kubernetes.watch.events", "{event}", "Events received, by kind and type");
        _lists = Meter.CreateCounter<long>("kubernetes.watch.lists", "{list}", "Full lists, by kind and cause");
        _reconnects = Meter.CreateCounter<long>("kubernetes.watch.ends", "{connection}", "Ended connections, by kind and cause");
        _ = Meter.CreateObservableGauge(
            "kubernetes.watch.event_age",
            () => _pulses.Select(static pulse => new Measurement<double>(pulse.Key.Age.TotalSeconds, Kind(pulse.Value))),
            "s",
            "Time since the API server was last heard, be it a bookmark; it grows without limit when a watch hangs in silence");
    }

    internal Meter Meter { get; } = new(MeterName);

    /// <inheritdoc/>
    public void Dispose() => Meter.Dispose();

    internal IDisposable Follow(WatchPulse pulse, string kind)
    {
        _pulses[pulse] = kind;
        return new Registration(() => _pulses.TryRemove(pulse, out _));
    }

    internal void Received(string kind, string type) => _events.Add(1, Kind(kind), new("type", type));

    internal void Listed(string kind, string cause) => _lists.Add(1, Kind(kind), new("cause", cause));

    internal void Ended(string kind, string cause) => _reconnects.Add(1, Kind(kind), new("cause", cause));

    private static KeyValuePair<string, object?> Kind(string kind) => new("kind", kind);

    private sealed class Registration(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
