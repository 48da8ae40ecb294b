using OnCache.Api;
using OnCache.Operator.Removal;

namespace OnCache.Operator.Controllers;

/// <summary>What has to be written so that the cluster is as the policies ask. Empty when it is.</summary>
internal sealed record ReconcilePlan
{
    /// <summary>Policies whose deletion would not be waited for yet.</summary>
    public IReadOnlyList<V1Alpha1OverlayCachePolicy> Hold { get; init; } = [];

    /// <summary>Configurations to write: own fields only.</summary>
    public IReadOnlyList<V1Alpha1NodeCacheConfig> Apply { get; init; } = [];

    /// <summary>Configurations whose node is gone.</summary>
    public IReadOnlyList<V1Alpha1NodeCacheConfig> Delete { get; init; } = [];

    /// <summary>Policies whose status has changed.</summary>
    public IReadOnlyList<StatusChange> Statuses { get; init; } = [];

    /// <summary>Deleted policies.</summary>
    public IReadOnlyList<Departure> Departures { get; init; } = [];
}

/// <summary>A status to write.</summary>
/// <param name="Policy">The policy as it is.</param>
/// <param name="Status">Its new status.</param>
internal sealed record StatusChange(V1Alpha1OverlayCachePolicy Policy, OverlayCachePolicyStatus Status);

/// <summary>A deleted policy.</summary>
/// <param name="Policy">The policy.</param>
/// <param name="Verdict">Whether it may go.</param>
internal sealed record Departure(V1Alpha1OverlayCachePolicy Policy, RemovalVerdict Verdict);
