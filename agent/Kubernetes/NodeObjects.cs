using OnCache.Agent.Configuration;
using OnCache.Api;
using OnCache.Kubernetes.Models;

namespace OnCache.Agent.Kubernetes;

/// <summary>What the API server holds of this node.</summary>
/// <param name="Node">The node's name.</param>
/// <param name="Spec">The spec of the node's NodeCacheConfig; null where there is none.</param>
/// <param name="Generation">The generation of that object; 0 where there is none.</param>
/// <param name="Pods">The pods that are scheduled to the node.</param>
/// <param name="Namespaces">All namespaces.</param>
internal sealed record NodeObjects(
    string Node,
    NodeCacheConfigSpec? Spec,
    long Generation,
    IReadOnlyCollection<V1Pod> Pods,
    IReadOnlyCollection<V1Namespace> Namespaces)
{
    /// <summary>Which object has the spec; null where there is none.</summary>
    public string? Uid { get; init; }

    /// <summary>All NetworkPolicies; null where others of the CNI's own may be in force beside them.</summary>
    public IReadOnlyCollection<V1NetworkPolicy>? NetworkPolicies { get; init; }

    // Without a configuration there is no policy, and so nothing is accelerated.
    private static readonly NodeCacheConfigSpec s_nothing = new();

    /// <summary>The same as an agent without a cluster reads it from its file. Pure.</summary>
    public AgentConfiguration ToConfiguration() => new(
        new NodeCacheConfig(new ObjectMeta(Node), Spec ?? s_nothing),
        new LocalEndpoints(
            new ObjectMeta(Node),
            [.. Namespaces.Select(static item => new LocalNamespace(item.Metadata.Name!, item.Metadata.Labels ?? new Dictionary<string, string>(StringComparer.Ordinal)))
                .OrderBy(static item => item.Name, StringComparer.Ordinal)],
            [.. Endpoints()])
        {
            NetworkPolicies = NetworkPolicies is null ? null : [.. NetworkPolicies],
        })
    {
        Generation = Generation,
        Uid = Uid,
    };

    /// <summary>
    /// Pods that own an IPv4 address. A pod that has ended owns none. Where two claim one address, the older is on its
    /// way out and the API server has not said so yet.
    /// </summary>
    private IEnumerable<LocalEndpoint> Endpoints() => Pods
        .Where(static pod => !PodFacts.HasEnded(pod) && pod.Metadata.Uid is not null)
        .Select(static pod => (Pod: pod, Address: PodFacts.Address(pod)))
        .Where(static item => item.Address is not null)
        .GroupBy(static item => item.Pod.Spec.HostNetwork ? $"{item.Address} {item.Pod.Metadata.Uid}" : item.Address!.ToString(), StringComparer.Ordinal)
        .Select(static claims => claims
            .OrderBy(static item => item.Pod.Metadata.DeletionTimestamp is not null)
            .ThenByDescending(static item => item.Pod.Metadata.CreationTimestamp)
            .ThenBy(static item => item.Pod.Metadata.Uid, StringComparer.Ordinal)
            .First())
        .OrderBy(static item => item.Pod.Metadata.NamespaceProperty, StringComparer.Ordinal)
        .ThenBy(static item => item.Pod.Metadata.Name, StringComparer.Ordinal)
        .Select(static item => new LocalEndpoint
        {
            Name = item.Pod.Metadata.Name!,
            Namespace = item.Pod.Metadata.NamespaceProperty!,
            Uid = item.Pod.Metadata.Uid!,
            Ip = item.Address!,
            Labels = item.Pod.Metadata.Labels ?? new Dictionary<string, string>(StringComparer.Ordinal),
            Annotations = item.Pod.Metadata.Annotations ?? new Dictionary<string, string>(StringComparer.Ordinal),
            HostNetwork = item.Pod.Spec.HostNetwork,
        });
}
