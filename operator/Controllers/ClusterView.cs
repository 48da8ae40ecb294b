using OnCache.Api;
using OnCache.Kubernetes.Models;

namespace OnCache.Operator.Controllers;

/// <summary>What the API server holds, as the caches know it.</summary>
/// <param name="Policies">All policies.</param>
/// <param name="Nodes">All nodes.</param>
/// <param name="Configs">All configurations of nodes.</param>
internal sealed record ClusterView(
    IReadOnlyCollection<V1Alpha1OverlayCachePolicy> Policies,
    IReadOnlyCollection<V1Node> Nodes,
    IReadOnlyCollection<V1Alpha1NodeCacheConfig> Configs);
