using OnCache.Api;
using OnCache.Operator.Compilation;

namespace OnCache.Operator.Status;

/// <summary>The nodes and pods of a policy, counted.</summary>
/// <param name="Selected">Nodes it covers.</param>
/// <param name="Programmed">Of these, nodes that are done.</param>
/// <param name="Failed">Of these, nodes that cannot be done.</param>
/// <param name="FirstFailed">The first of those by name.</param>
/// <param name="FirstPending">The first by name of the rest.</param>
/// <param name="Pods">The pods.</param>
internal sealed record Tally(
    int Selected,
    int Programmed,
    int Failed,
    (string Node, string Why)? FirstFailed,
    (string Node, string Why)? FirstPending,
    PolicyPods Pods)
{
    /// <summary>Nodes that are still to follow.</summary>
    public int Pending => Selected - Programmed - Failed;

    /// <summary>Counts.</summary>
    public static Tally Of(CompiledPolicy compiled, IReadOnlyDictionary<string, NodeReport> reports)
    {
        var tally = new Tally(compiled.Nodes.Count, 0, 0, null, null, new PolicyPods(0, 0));
        if (!compiled.Acceptance.IsAccepted)
        {
            return tally;
        }

        foreach (var node in compiled.Nodes)
        {
            var report = reports.GetValueOrDefault(node);
            var (progress, why) = NodeProgressReading.Of(report);
            if (compiled.Refusals.TryGetValue(node, out var refusal))
            {
                (progress, why) = (NodeProgress.Failed, refusal);
            }

            tally = progress switch
            {
                NodeProgress.Programmed => tally with { Programmed = tally.Programmed + 1 },
                NodeProgress.Failed => tally with { Failed = tally.Failed + 1, FirstFailed = tally.FirstFailed ?? (node, why) },
                _ => tally with { FirstPending = tally.FirstPending ?? (node, why) },
            };
            if (report?.Status?.Policies.FirstOrDefault(item => string.Equals(item.Name, compiled.Policy.Name, StringComparison.Ordinal)) is { } pods)
            {
                tally = tally with { Pods = new PolicyPods(tally.Pods.Selected + pods.Selected, tally.Pods.Accelerated + pods.Accelerated) };
            }
        }

        return tally;
    }
}
