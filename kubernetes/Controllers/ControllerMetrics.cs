using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace OnCache.Kubernetes.Controllers;

/// <summary>What the controllers of a process report. One instance per process, disposed last.</summary>
public sealed class ControllerMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "OnCache.Kubernetes.Controllers";

    private readonly Counter<long> _reconciliations;
    private readonly Histogram<double> _duration;
    private readonly ConcurrentDictionary<string, Func<int>> _depths = new(StringComparer.Ordinal);

    /// <summary>Registers the instruments.</summary>
    public ControllerMetrics()
    {
        _reconciliations = Meter.CreateCounter<long>(
            "kubernetes.controller.reconciliations", "{reconciliation}", "Reconciliations, by kind and outcome");
        _duration = Meter.CreateHistogram<double>("kubernetes.controller.duration", "s", "Time of a reconciliation, by kind");
        _ = Meter.CreateObservableGauge(
            "kubernetes.controller.queue",
            () => _depths.Select(static depth => new Measurement<int>(depth.Value(), Kind(depth.Key))),
            "{object}",
            "Objects that wait for a reconciliation, by kind");
    }

    internal Meter Meter { get; } = new(MeterName);

    /// <inheritdoc/>
    public void Dispose() => Meter.Dispose();

    internal void Follow(string kind, Func<int> depth) => _depths[kind] = depth;

    internal void Reconciled(string kind, string outcome, TimeSpan elapsed)
    {
        _reconciliations.Add(1, Kind(kind), new("outcome", outcome));
        _duration.Record(elapsed.TotalSeconds, Kind(kind));
    }

    private static KeyValuePair<string, object?> Kind(string kind) => new("kind", kind);
}
