using OnCache.Api;
using OnCache.Operator.Compilation;

namespace OnCache.Operator.Status;

/// <summary>Sums up, for each policy, what its nodes report. A pure function: the clock is an argument.</summary>
internal static class StatusAggregator
{
    /// <summary>The status of a policy.</summary>
    /// <param name="compiled">What the policy came to.</param>
    /// <param name="reports">Reports by node.</param>
    /// <param name="before">The status written last, whose times of transition go on.</param>
    /// <param name="now">The time.</param>
    public static OverlayCachePolicyStatus Aggregate(
        CompiledPolicy compiled,
        IReadOnlyDictionary<string, NodeReport> reports,
        OverlayCachePolicyStatus? before,
        DateTimeOffset now)
    {
        var tally = Tally.Of(compiled, reports);
        return new OverlayCachePolicyStatus
        {
            ObservedGeneration = compiled.Policy.Generation,
            Conditions = ConditionSet.Next(before?.Conditions ?? [], Findings(compiled.Acceptance, tally), compiled.Policy.Generation, now),
            Nodes = new PolicyNodes(tally.Selected, tally.Programmed, tally.Failed),
            Pods = tally.Pods,
            Message = Message(compiled.Acceptance, tally) is { } message ? Excerpt.Of(message, OverlayCachePolicyStatus.MaximumMessage) : null,
        };
    }

    private static IEnumerable<Finding> Findings(Acceptance acceptance, Tally tally)
    {
        if (!acceptance.IsAccepted)
        {
            // Tools that follow kstatus read Accepted=False alone as healthy.
            var why = Excerpt.Of(acceptance.Message, OverlayCachePolicyStatus.MaximumMessage);
            yield return new Finding(ConditionType.Accepted, ConditionStatus.False, acceptance.Reason, why);
            yield return new Finding(ConditionType.Programmed, ConditionStatus.False, acceptance.Reason, why);
            yield return new Finding(ConditionType.Ready, ConditionStatus.False, acceptance.Reason, why);
            yield return new Finding(ConditionType.Stalled, ConditionStatus.True, acceptance.Reason, why);
            yield break;
        }

        yield return new Finding(ConditionType.Accepted, ConditionStatus.True, acceptance.Reason, acceptance.Message);
        var isProgrammed = tally.Programmed == tally.Selected;
        var reason = isProgrammed ? ConditionReason.Programmed
            : tally.Programmed > 0 ? ConditionReason.PartiallyProgrammed
            : tally.Pending > 0 ? ConditionReason.Pending
            : ConditionReason.Failed;
        var words = Excerpt.Of(
            isProgrammed
                ? $"in force on {Count(tally.Selected, "node")}"
                : $"in force on {tally.Programmed} of {Count(tally.Selected, "node")}; {Message(acceptance, tally)}",
            OverlayCachePolicyStatus.MaximumMessage);
        var status = isProgrammed ? ConditionStatus.True : ConditionStatus.False;
        yield return new Finding(ConditionType.Programmed, status, reason, words);
        yield return new Finding(ConditionType.Ready, status, reason, words);
        if (tally.Pending > 0)
        {
            yield return new Finding(ConditionType.Reconciling, ConditionStatus.True, ConditionReason.Pending, words);
        }
        else if (tally.Failed > 0)
        {
            yield return new Finding(ConditionType.Stalled, ConditionStatus.True, ConditionReason.Failed, words);
        }
    }

    private static string? Message(Acceptance acceptance, Tally tally) =>
        !acceptance.IsAccepted ? acceptance.Message
        : tally.FirstFailed is { } failed ? Named(failed, tally.Failed)
        : tally.FirstPending is { } pending ? Named(pending, tally.Pending)
        : null;

    // The count comes first: a long reason is cut, not the count.
    private static string Named((string Node, string Why) first, int count) =>
        count == 1 ? $"node {first.Node}: {first.Why}" : $"{count} nodes, the first is {first.Node}: {first.Why}";

    private static string Count(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";
}
