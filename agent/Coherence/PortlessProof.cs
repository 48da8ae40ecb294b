using OnCache.Api;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.NetworkPolicies;

namespace OnCache.Agent.Coherence;

/// <summary>
/// Whether a verdict on one connection of a pod is the verdict on all of its connections with the same peer: no policy can ask for ports, or
/// for who the peer is. Pure.
/// </summary>
internal static class PortlessProof
{
    /// <summary>False wherever the policies in force are not known.</summary>
    public static bool Holds(LocalEndpoints local, IReadOnlyDictionary<string, LocalNamespace> namespaces, LocalEndpoint pod) =>
        local.NetworkPolicies is { } policies
        && namespaces.TryGetValue(pod.Namespace, out var home)
        && UnrestrictedTraffic.Of(policies, new PolicyPod(new NamespacedName(pod.Namespace, pod.Name), pod.Labels, home.Labels)) == TrafficDirections.All;
}
