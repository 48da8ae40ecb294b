using OnCache.Api;
using OnCache.Operator.Controllers;

namespace OnCache.Operator.Removal;

/// <summary>What is told of a removal.</summary>
internal static class RemovalEvents
{
    /// <summary>The policy goes although agents have not said that they let go of it.</summary>
    public static ClusterEvent Unconfirmed(RemovalVerdict verdict) => new(
        IsWarning: true,
        "RemovalUnconfirmed",
        Excerpt.Of(
            $"{verdict.Missing.Count} agents did not confirm within {PolicyRemoval.Deadline.TotalMinutes:0} minutes, the first on node {verdict.Missing[0]}; "
                + "an agent that is dead accelerates nothing, one that is cut off stops when it is back or its node restarts",
            OverlayCachePolicyStatus.MaximumMessage));
}
