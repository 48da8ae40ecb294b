using OnCache.Api;

namespace OnCache.Operator.Status;

/// <summary>What is known of a node's configuration in the cluster.</summary>
/// <param name="Node">The node.</param>
/// <param name="InStep">Whether the object in the cluster holds what was compiled last.</param>
/// <param name="Generation">Since which generation the object has the policies it has.</param>
/// <param name="Status">What its agent reported; absent before the first report.</param>
internal sealed record NodeReport(string Node, bool InStep, long Generation, NodeCacheConfigStatus? Status)
{
    /// <summary>Why the object could not be written; absent when it could.</summary>
    public string? Obstacle { get; init; }
}

/// <summary>How far a node is with its configuration.</summary>
internal enum NodeProgress
{
    /// <summary>Its agent has put the configuration in force.</summary>
    Programmed,

    /// <summary>Its agent has not spoken of this configuration yet.</summary>
    Pending,

    /// <summary>Its agent cannot put it in force.</summary>
    Failed,
}

/// <summary>Reads a node's report.</summary>
internal static class NodeProgressReading
{
    /// <summary>How far the node is, and why not further.</summary>
    public static (NodeProgress Progress, string Why) Of(NodeReport? report)
    {
        if (report is not { InStep: true })
        {
            return (NodeProgress.Pending, report?.Obstacle ?? "its configuration is about to be written");
        }

        if (report.Status is not { } status)
        {
            return (NodeProgress.Pending, "no agent has reported from it; see that the agent's pod runs there");
        }

        var condition = status.Conditions.FirstOrDefault(item => string.Equals(item.Type, ConditionType.Programmed, StringComparison.Ordinal));
        if (status.ObservedGeneration < report.Generation || condition is null)
        {
            return (NodeProgress.Pending, "its agent has not taken up the configuration yet");
        }

        return condition.Status switch
        {
            ConditionStatus.True => (NodeProgress.Programmed, ""),
            ConditionStatus.False when !string.Equals(condition.Reason, ConditionReason.Pending, StringComparison.Ordinal) =>
                (NodeProgress.Failed, condition.Message),
            _ => (NodeProgress.Pending, condition.Message),
        };
    }
}
