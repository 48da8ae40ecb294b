using System.Diagnostics.Metrics;
using OnCache.Agent.Bpf;
using OnCache.Agent.Coherence;

namespace OnCache.Agent.Telemetry;

/// <summary>What the agent measures about flushes. One instance per process, disposed last.</summary>
internal sealed class CoherenceMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "OnCache.Agent.Coherence";

    /// <summary>Buckets in seconds: from the few microseconds of a flush to the seconds of a clock that tells only those.</summary>
    public static IReadOnlyList<double> Limits { get; } =
        [0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 2, 5, 10];

    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _flushes;
    private readonly Counter<long> _endpoints;
    private readonly Histogram<double> _latency;
    private readonly Histogram<double> _age;
    private readonly Histogram<double> _sweep;
    private readonly Counter<long> _swept;
    private readonly Counter<long> _ended;

    public CoherenceMetrics()
    {
        _flushes = _meter.CreateCounter<long>("oncache.flushes", "{flush}", "Flushes, by cause");
        _endpoints = _meter.CreateCounter<long>("oncache.flushed.endpoints", "{endpoint}", "Endpoints whose verdicts became void, by cause");
        _latency = _meter.CreateHistogram<double>(
            "oncache.flush.latency", "s", "From the event's arrival at the agent to the last stale verdict being unusable, by cause");
        _sweep = _meter.CreateHistogram<double>("oncache.sweep.duration", "s", "What a sweep of the filter cache takes, the regular ones and those that a status asks for");
        _swept = _meter.CreateCounter<long>("oncache.swept", "{verdict}", "Void verdicts whose memory sweeps have freed");
        _ended = _meter.CreateCounter<long>("oncache.ended", "{connection}", "Connections that ended on the fast path, by whether conntrack was told or their ports had begun a new life");
        _age = _meter.CreateHistogram<double>(
            "oncache.flush.change_age", "s", "The same from the moment the object says it changed, which is told in whole seconds, by cause");
    }

    public void Dispose() => _meter.Dispose();

    public void Swept(Sweep sweep, TimeSpan duration)
    {
        // Freed first: who waits for one more sweep then reads what it freed.
        _swept.Add((long)sweep.Purged);
        _sweep.Record(duration.TotalSeconds);
    }

    public void Ended(int told, int reopened)
    {
        _ended.Add(told, new KeyValuePair<string, object?>("outcome", "told"));
        if (reopened > 0)
        {
            _ended.Add(reopened, new KeyValuePair<string, object?>("outcome", "reopened"));
        }
    }

    public void Flushed(FlushRecord record, DateTimeOffset? changedAt)
    {
        var cause = new KeyValuePair<string, object?>("cause", record.Cause.ToString());
        _flushes.Add(1, cause);
        _endpoints.Add(record.Endpoints, cause);
        _latency.Record(record.Duration.TotalSeconds, cause);
        if (changedAt is { } changed)
        {
            // Clocks differ between machines.
            _age.Record(Math.Max(0, (record.At - changed).TotalSeconds), cause);
        }
    }
}
