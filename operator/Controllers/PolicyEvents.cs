using OnCache.Api;

namespace OnCache.Operator.Controllers;

/// <summary>Something a person who looks at a policy should know.</summary>
/// <param name="IsWarning">Whether it needs attention.</param>
/// <param name="Reason">One word for programs.</param>
/// <param name="Note">What happened.</param>
internal sealed record PolicyEvent(bool IsWarning, string Reason, string Note);

/// <summary>The events of a status: one for each transition, none for what stays.</summary>
internal static class PolicyEvents
{
    /// <summary>What happened between two statuses.</summary>
    public static IEnumerable<PolicyEvent> Between(OverlayCachePolicyStatus? before, OverlayCachePolicyStatus after)
    {
        if (Changed(before, after, ConditionType.Accepted) is { } accepted)
        {
            yield return new PolicyEvent(accepted.Status != ConditionStatus.True, accepted.Reason, accepted.Message);
        }

        if (Changed(before, after, ConditionType.Ready) is { Status: ConditionStatus.True } ready)
        {
            yield return new PolicyEvent(IsWarning: false, ready.Reason, ready.Message);
        }

        if (Changed(before, after, ConditionType.Stalled) is { Reason: ConditionReason.Failed } stalled)
        {
            yield return new PolicyEvent(IsWarning: true, stalled.Reason, stalled.Message);
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
