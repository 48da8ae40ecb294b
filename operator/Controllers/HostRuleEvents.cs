using OnCache.Api;

namespace OnCache.Operator.Controllers;

/// <summary>Something to tell of a node.</summary>
/// <param name="Config">The node's object.</param>
/// <param name="Happened">What happened.</param>
internal sealed record NodeEvent(V1Alpha1NodeCacheConfig Config, ClusterEvent Happened);

/// <summary>
/// The events of rules of hosts that keep whole flows of pods off the fast path: one when a rule first does so on a node, and another only
/// after it was gone.
/// </summary>
internal sealed class HostRuleEvents
{
    private Dictionary<string, HashSet<RuleIdentity>> _told = new(StringComparer.Ordinal);

    /// <param name="configs">The nodes as a replica finds them when it begins to lead: of these the one before it has told.</param>
    public HostRuleEvents(IEnumerable<V1Alpha1NodeCacheConfig> configs) => _ = Next(configs, int.MaxValue);

    /// <summary>What is to be told now.</summary>
    /// <param name="configs">The nodes as they are.</param>
    /// <param name="most">The most events; the others come with the next call.</param>
    public IReadOnlyList<NodeEvent> Next(IEnumerable<V1Alpha1NodeCacheConfig> configs, int most)
    {
        var news = new List<NodeEvent>();
        var told = new Dictionary<string, HashSet<RuleIdentity>>(StringComparer.Ordinal);
        foreach (var config in configs)
        {
            var rules = config.Status?.HostRules.Where(rule => rule.Scope == HostRuleScope.Flows).ToArray() ?? [];
            if (rules.Length == 0)
            {
                continue;
            }

            // Also of a rule that has no pods now: those that come back to it are no news.
            var known = rules.Select(Identity).ToHashSet();
            known.IntersectWith(_told.GetValueOrDefault(config.Metadata.Uid!) ?? []);
            foreach (var rule in rules)
            {
                if (rule.Pods > 0 && news.Count < most && known.Add(Identity(rule)))
                {
                    news.Add(new NodeEvent(config, Event(config.Metadata.Name!, rule)));
                }
            }

            told[config.Metadata.Uid!] = known;
        }

        _told = told;
        return news;
    }

    private static ClusterEvent Event(string node, NodeHostRule rule) => new(
        IsWarning: true,
        "HostRules",
        $"flows of {rule.Pods} {(rule.Pods == 1 ? "pod" : "pods")} on node {node} stay on the CNI's path for a rule of the host ({rule.Reason}): {rule.Rule}");

    private static RuleIdentity Identity(NodeHostRule rule) => new(rule.Rule, rule.Reason);

    private sealed record RuleIdentity(string Rule, string Reason);
}
