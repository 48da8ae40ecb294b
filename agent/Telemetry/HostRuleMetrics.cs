using System.Diagnostics.Metrics;
using OnCache.Api;

namespace OnCache.Agent.Telemetry;

/// <summary>How much the host's own rules keep off the fast path. One instance per process.</summary>
internal sealed class HostRuleMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "OnCache.Agent.HostRules";

    private static readonly (HostRuleScope Scope, KeyValuePair<string, object?> Label)[] s_scopes =
    [
        (HostRuleScope.Flows, new("scope", "flows")),
        (HostRuleScope.ShortConnections, new("scope", "short_connections")),
    ];

    private readonly Meter _meter = new(MeterName);

    /// <param name="counts">As of now, one for each scope that has any; called from any thread.</param>
    public HostRuleMetrics(Func<IReadOnlyList<HostRuleCount>> counts)
    {
        _ = _meter.CreateObservableGauge(
            "oncache.host_rules",
            () => ByScope(static count => count.Rules),
            "{rule}",
            "Rules of the host that keep flows off the fast path, by what they keep off");
        _ = _meter.CreateObservableGauge(
            "oncache.host_rule_pods",
            () => ByScope(static count => count.Pods),
            "{pod}",
            "Pods of whose flows the host's rules keep some off the fast path, by what they keep off");

        IEnumerable<Measurement<int>> ByScope(Func<HostRuleCount, int> number)
        {
            var now = counts();
            return s_scopes.Select(item => new Measurement<int>(now.FirstOrDefault(count => count.Scope == item.Scope) is { } found ? number(found) : 0, item.Label));
        }
    }

    public void Dispose() => _meter.Dispose();
}
