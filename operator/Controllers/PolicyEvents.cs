using OnCache.Api;

namespace OnCache.Operator.Controllers;

/// <summary>The events of a status: one for each transition, none for what stays.</summary>
internal static class PolicyEvents
{
    /// <summary>What happened between two statuses.</summary>
    public static IEnumerable<ClusterEvent> Between(OverlayCachePolicyStatus? before, OverlayCachePolicyStatus after)
    {
        if (Changed(before, after, ConditionType.Accepted) is { } accepted)
        {
            yield return new ClusterEvent(accepted.Status != ConditionStatus.True, accepted.Reason, accepted.Message);
        }

        if (Changed(before, after, ConditionType.Ready) is { Status: ConditionStatus.True } ready)
        {
            yield return new ClusterEvent(IsWarning: false, ready.Reason, ready.Message);
        }

        if (Changed(before, after, ConditionType.Stalled) is { Reason: ConditionReason.Failed } stalled)
        {
            yield return new ClusterEvent(IsWarning: true, stalled.Reason, stalled.Message);
        }
    }

    // A refusal for another reason is another refusal.
    private static Condition? Changed(OverlayCachePolicyStatus? before, OverlayCachePolicyStatus after, string type) =>
        Find(after, type) is { } now && !(Find(before, type) is { } then && then.Status == now.Status && (then.Status == ConditionStatus.True || then.Reason == now.Reason))
            ? now
            : null;

    private static Condition? Find(OverlayCachePolicyStatus? status, string type) =>
        status?.Conditions.FirstOrDefault(condition => string.Equals(condition.Type, type, StringComparison.Ordinal));
}
