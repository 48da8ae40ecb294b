using OnCache.Api;

namespace OnCache.Operator.Controllers;

/// <summary>Something to tell of a node.</summary>
/// <param name="Config">The node's object.</param>
/// <param name="Happened">What happened.</param>
internal sealed record NodeEvent(V1Alpha1NodeCacheConfig Config, ClusterEvent Happened);

/// <summary>
/// The events of nodes, one for each transition: a rule of the host that keeps whole flows of pods off the fast path, a condition that needs
/// attention and its end, an agent that has started. What was told is told again only after it was gone.
/// </summary>
internal sealed class NodeEvents
{
    private static readonly Fact s_full = new(FactKind.Condition, ConditionType.ConntrackPressure, ConditionReason.ConntrackFull);
    private static readonly Fact s_nearlyFull = s_full with { Reason = ConditionReason.ConntrackNearlyFull };

    private Dictionary<string, HashSet<Fact>> _told = new(StringComparer.Ordinal);

    /// <param name="configs">The nodes as a replica finds them when it begins to lead: of these the one before it has told.</param>
    public NodeEvents(IEnumerable<V1Alpha1NodeCacheConfig> configs) => _ = Next(configs, int.MaxValue);

    /// <summary>What is to be told now.</summary>
    /// <param name="configs">The nodes as they are.</param>
    /// <param name="most">The most events; the others come with the next call.</param>
    public IReadOnlyList<NodeEvent> Next(IEnumerable<V1Alpha1NodeCacheConfig> configs, int most)
    {
        var news = new List<NodeEvent>();
        var told = new Dictionary<string, HashSet<Fact>>(StringComparer.Ordinal);
        foreach (var config in configs)
        {
            var before = _told.GetValueOrDefault(config.Metadata.Uid!) ?? [];
            // A table that is full sways about its limit: that it is only nearly so is no news after that.
            var present = Facts(config).Select(item => item.Fact == s_nearlyFull && before.Contains(s_full) ? item with { Fact = s_full } : item).ToArray();

            // Also of a rule that has no pods now: those that come back to it are no news.
            var known = present.Select(static item => item.Fact).Where(before.Contains).ToHashSet();
            foreach (var (fact, happened) in present)
            {
                if (happened is not null && news.Count < most && known.Add(fact))
                {
                    news.Add(new NodeEvent(config, happened));
                }
            }

            foreach (var over in before.Where(fact => fact.Kind == FactKind.Condition && !present.Any(item => item.Fact.IsOfSameCondition(fact))))
            {
                if (config.Status?.Conditions.FirstOrDefault(condition => condition.Type == over.Subject) is not { } now)
                {
                    continue;
                }

                if (now.Reason == ConditionReason.Pending || news.Count == most)
                {
                    known.Add(over);
                }
                else
                {
                    news.Add(new NodeEvent(config, new ClusterEvent(IsWarning: false, now.Reason, OnNode(config, now.Message))));
                }
            }

            if (known.Count > 0)
            {
                told[config.Metadata.Uid!] = known;
            }
        }

        _told = told;
        return news;
    }

    /// <summary>What is the case on a node, and what is to be told of it; null where it is not worth telling now.</summary>
    private static IEnumerable<FoundFact> Facts(V1Alpha1NodeCacheConfig config)
    {
        if (config.Status is not { } status)
        {
            yield break;
        }

        if (status.AgentStartedAt is { } start)
        {
            yield return new(
                new Fact(FactKind.AgentStart, $"{start:O}", ""),
                new ClusterEvent(IsWarning: false, "AgentStarted", OnNode(config, "the agent has started; what was cached before is void and is learned again")));
        }

        foreach (var condition in status.Conditions.Where(NeedsAttention))
        {
            yield return new(new Fact(FactKind.Condition, condition.Type, condition.Reason), new ClusterEvent(IsWarning: true, condition.Reason, OnNode(config, condition.Message)));
        }

        foreach (var rule in status.HostRules.Where(rule => rule.Scope == HostRuleScope.Flows))
        {
            yield return new(
                new Fact(FactKind.HostRule, rule.Rule, rule.Reason),
                rule.Pods == 0 ? null : new ClusterEvent(
                    IsWarning: true,
                    "HostRules",
                    $"flows of {rule.Pods} {(rule.Pods == 1 ? "pod" : "pods")} on node {config.Metadata.Name} stay on the CNI's path for a rule of the host ({rule.Reason}): {rule.Rule}"));
        }
    }

    // Ready says the same as Programmed; what is pending is on its way.
    private static bool NeedsAttention(Condition condition) => condition switch
    {
        { Type: ConditionType.Programmed, Status: ConditionStatus.False, Reason: not ConditionReason.Pending } => true,
        { Type: ConditionType.ConntrackPressure, Status: ConditionStatus.True } => true,
        _ => false,
    };

    private static string OnNode(V1Alpha1NodeCacheConfig config, string message) => $"node {config.Metadata.Name}: {message}";

    private enum FactKind
    {
        HostRule,
        Condition,
        AgentStart,
    }

    private sealed record FoundFact(Fact Fact, ClusterEvent? Happened);

    private sealed record Fact(FactKind Kind, string Subject, string Reason)
    {
        public bool IsOfSameCondition(Fact other) => Kind == FactKind.Condition && other.Kind == FactKind.Condition && Subject == other.Subject;
    }
}
