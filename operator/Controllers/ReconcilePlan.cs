using OnCache.Api;

namespace OnCache.Operator.Controllers;

/// <summary>What has to be written so that the cluster is as the policies ask. Empty when it is.</summary>
internal sealed record ReconcilePlan
{
    /// <summary>Policies, deleted or not, with the finalizer of earlier releases.</summary>
    public IReadOnlyList<V1Alpha1OverlayCachePolicy> Release { get; init; } = [];

    /// <summary>Configurations to write: own fields only, and the UID of those that are there.</summary>
    public IReadOnlyList<V1Alpha1NodeCacheConfig> Apply { get; init; } = [];

    /// <summary>Configurations whose node is gone.</summary>
    public IReadOnlyList<V1Alpha1NodeCacheConfig> Delete { get; init; } = [];

    /// <summary>Policies whose status has changed.</summary>
    public IReadOnlyList<StatusChange> Statuses { get; init; } = [];
}

/// <summary>A status to write.</summary>
/// <param name="Policy">The policy as it is.</param>
/// <param name="Status">Its new status.</param>
internal sealed record StatusChange(V1Alpha1OverlayCachePolicy Policy, OverlayCachePolicyStatus Status);
