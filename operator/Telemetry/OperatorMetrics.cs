using System.Diagnostics.Metrics;
using OnCache.Api;
using OnCache.Operator.Controllers;
using OnCache.Operator.Peers;

namespace OnCache.Operator.Telemetry;

/// <summary>What the operator measures about itself. One instance per process, disposed last.</summary>
internal sealed class OperatorMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "OnCache.Operator";

    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _reconciles;
    private readonly Counter<long> _writes;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _signals;
    private readonly Histogram<double> _signalDelay;
    private volatile ClusterView _view = new([], [], []);
    private volatile bool _isLeader;

    public OperatorMetrics()
    {
        _reconciles = _meter.CreateCounter<long>("oncache.operator.reconciles", "{turn}", "Comparisons of the whole cluster with what it should be, by outcome");
        _writes = _meter.CreateCounter<long>("oncache.operator.writes", "{write}", "Writes to the API server, by what was written and outcome");
        _duration = _meter.CreateHistogram<double>("oncache.operator.reconcile.duration", "s", "Time of one comparison, its writes included");
        _signals = _meter.CreateCounter<long>("oncache.operator.signals", "{signal}", "Signals to nodes that policies lost peers, by cause; one signal may have several");
        _signalDelay = _meter.CreateHistogram<double>("oncache.operator.signal.delay", "s", "Time from the first event that a signal tells of to its write being accepted");
        _ = _meter.CreateObservableGauge("oncache.operator.leader", () => _isLeader ? 1 : 0, description: "1 on the replica that works, 0 on the others");
        _ = _meter.CreateObservableGauge("oncache.operator.nodes", () => _view.Nodes.Count, description: "Nodes of the cluster");
        _ = _meter.CreateObservableGauge("oncache.operator.policies", Policies, description: "Policies, by the reason of their condition Ready");
    }

    public void Dispose() => _meter.Dispose();

    public void Leads(bool isLeader) => _isLeader = isLeader;

    public void Wrote(string what, string outcome) => _writes.Add(1, new("what", what), new("outcome", outcome));

    public void Reconciled(TimeSpan duration, ClusterView view, int failures)
    {
        _view = view;
        _duration.Record(duration.TotalSeconds);
        _reconciles.Add(1, new KeyValuePair<string, object?>("outcome", failures == 0 ? "ok" : "incomplete"));
    }

    public void Signalled(PendingSignal signal, DateTimeOffset now)
    {
        foreach (var cause in signal.Causes)
        {
            _signals.Add(1, new KeyValuePair<string, object?>("cause", cause.ToString()));
        }

        _signalDelay.Record((now - signal.Since).TotalSeconds);
    }

    private IEnumerable<Measurement<int>> Policies() => _view.Policies
        .GroupBy(policy => policy.Status?.Conditions.FirstOrDefault(condition => string.Equals(condition.Type, ConditionType.Ready, StringComparison.Ordinal))?.Reason ?? "Unknown", StringComparer.Ordinal)
        .Select(group => new Measurement<int>(group.Count(), new KeyValuePair<string, object?>("reason", group.Key)));
}
