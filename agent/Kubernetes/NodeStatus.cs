using OnCache.Agent.Telemetry;
using OnCache.Api;

namespace OnCache.Agent.Kubernetes;

/// <summary>The agent's status in the words of the API: counts, never a list of pods. Pure.</summary>
internal static class NodeStatus
{
    // As the schema of Condition has it.
    private const int LongestMessage = 32_768;

    /// <param name="status">What the agent tells about itself.</param>
    /// <param name="generation">The generation of the object that is in force.</param>
    /// <param name="before">What was written last; null before the first time.</param>
    public static NodeCacheConfigStatus Of(AgentStatus status, long generation, NodeCacheConfigStatus? before, DateTimeOffset now)
    {
        var covered = status.Endpoints.Where(endpoint => endpoint.Policy is not null).ToList();
        return new NodeCacheConfigStatus
        {
            ObservedGeneration = generation,
            Conditions = ConditionSet.Next(before?.Conditions ?? [], Findings(status), generation, now),
            Endpoints = new EndpointCounts
            {
                Accelerated = Count(status, EndpointState.Accelerated),
                Observed = Count(status, EndpointState.Observed),
                Disabled = Count(status, EndpointState.Disabled),
                Waiting = Count(status, EndpointState.Waiting),
                Shaped = Count(status, EndpointState.Shaped),
            },
            Policies =
            [
                .. covered.GroupBy(endpoint => endpoint.Policy!, StringComparer.Ordinal)
                    .OrderBy(group => group.Key, StringComparer.Ordinal)
                    .Select(group => new PolicyEndpoints(group.Key, group.Count(), group.Count(endpoint => endpoint.State == EndpointState.Accelerated))),
            ],
            Refusals =
            [
                .. status.Endpoints.Where(endpoint => endpoint.State is not (EndpointState.Accelerated or EndpointState.Observed) || endpoint.Cause is not null)
                    .GroupBy(endpoint => endpoint.Cause ?? endpoint.State.ToString(), StringComparer.Ordinal)
                    .OrderBy(group => group.Key, StringComparer.Ordinal)
                    .Select(group => new Refusal(group.Key, group.Count())),
            ],
            HostRules = HostRules(status, before?.HostRules ?? []),
            Capabilities = new NodeCapabilities(
                status.Capabilities.Kernel,
                status.Capabilities.Attach,
                [.. status.Capabilities.Features.OrderBy(feature => feature.Key, StringComparer.Ordinal).Select(feature => new NodeFeature(feature.Key, feature.Value.Available, feature.Value.Detail))],
                Memory(status.Capabilities.Memory, before?.Capabilities?.Memory)),
            Caches = new EffectiveCaches(Cache(status.Sizes.Filter), Cache(status.Sizes.Egress), Cache(status.Sizes.Ingress)),
            LastFlush = status.LastFlush is { } flush
                ? new NodeFlush(Seconds(flush.At), flush.Cause, (long)flush.DurationMicroseconds)
                : null,
            AgentStartedAt = status.StartedAt is { } start ? Seconds(start) : null,
        };
    }

    private static IEnumerable<Finding> Findings(AgentStatus status)
    {
        var (programmed, reason, message) = status switch
        {
            { Configuration.Error: { } error } => (ConditionStatus.False, ConditionReason.Pending, error),
            { Underlay.Reason: { } refusal } => (ConditionStatus.False, ConditionReason.Failed, refusal),
            { SizesRefused: { } refused } => (ConditionStatus.False, refused.Reason, refused.Message),
            { NicFailures: [var failure, ..] } => (ConditionStatus.False, ConditionReason.Failed, failure),
            { Ready: false } => (ConditionStatus.False, ConditionReason.Pending, status.NotReadyReason ?? "the agent starts"),
            _ => (ConditionStatus.True, ConditionReason.Programmed, $"programs are attached by {status.Capabilities.Attach}"),
        };
        message = Bounded(message + Hint([.. status.NicFailures.Concat(status.Warnings).Where(hint => hint != message)]));
        yield return new Finding(ConditionType.Programmed, programmed, reason, message);
        yield return new Finding(ConditionType.Ready, programmed, reason, message);
        if (status.Conntrack is { } conntrack)
        {
            yield return conntrack.Pressure switch
            {
                ConntrackPressure.None => new Finding(ConditionType.ConntrackPressure, ConditionStatus.False, ConditionReason.ConntrackHasRoom, conntrack.Message),
                ConntrackPressure.NearlyFull => new Finding(ConditionType.ConntrackPressure, ConditionStatus.True, ConditionReason.ConntrackNearlyFull, conntrack.Message),
                _ => new Finding(ConditionType.ConntrackPressure, ConditionStatus.True, ConditionReason.ConntrackFull, conntrack.Message),
            };
        }
    }

    // Free memory never rests: what was written stays while it is right by a quarter.
    private static NodeMemory? Memory(CacheRoom? room, NodeMemory? before)
    {
        const long Unit = 1 << 20;
        if (room is null)
        {
            return null;
        }

        var most = CacheMemory.OfLargest(room.Cpus);
        var bytes = room.Bytes >= most ? most : room.Bytes / Unit * Unit;
        return before is not null && before.Cpus == room.Cpus && Math.Abs(bytes - before.CacheBytes) <= before.CacheBytes / 4
            ? before
            : new NodeMemory(bytes, room.Cpus);
    }

    // The counts stay those of the moment at which the rules changed: else the status would be written with each pod that comes or goes.
    private static IReadOnlyList<NodeHostRule> HostRules(AgentStatus status, IReadOnlyList<NodeHostRule> before)
    {
        NodeHostRule[] now =
        [
            .. status.HostRules.OrderBy(rule => rule.Scope)
                .GroupBy(rule => (Rule: Excerpt.Of(rule.Rule, NodeHostRule.MaximumRule), Reason: Excerpt.Of(rule.Reason, NodeHostRule.MaximumReason), rule.Scope))
                .Take(NodeCacheConfigStatus.MaximumHostRules)
                .Select(same => new NodeHostRule(same.Key.Rule, same.Key.Reason, same.Key.Scope, Pods([.. same]))),
        ];
        return now.Select(WithoutPods).SequenceEqual(before.Select(WithoutPods)) ? before : now;

        static NodeHostRule WithoutPods(NodeHostRule rule) => rule with { Pods = 0 };

        // One rule stands in several chains, and they may concern the same pods.
        static int Pods(IReadOnlyList<HostRuleStatus> rules) => Math.Max(
            rules.SelectMany(rule => rule.Pods).Distinct(StringComparer.Ordinal).Count(), rules.Max(rule => rule.Pods.Count + rule.MorePods));
    }

    private static string Hint(IReadOnlyList<string> hints) => hints switch
    {
        [] => "",
        [var only] => $"; {only}",
        [var first, ..] => $"; {first}; and {hints.Count - 1} more",
    };

    // The API server refuses a status whole for one message that is too long.
    private static string Bounded(string message) => message.Length <= LongestMessage ? message : message[..LongestMessage];

    // As Kubernetes has times: with fractions a written status would differ from the same one read back.
    private static DateTimeOffset Seconds(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());

    private static int Count(AgentStatus status, EndpointState state) => status.Endpoints.Count(endpoint => endpoint.State == state);

    private static EffectiveCache Cache(CacheUse use) => new(use.Capacity, use.MemoryBytes);
}
