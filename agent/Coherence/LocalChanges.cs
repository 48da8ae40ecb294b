using OnCache.Agent.Net;
using OnCache.Api;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;

namespace OnCache.Agent.Coherence;

/// <summary>What happened between two lists of this node's pods, for an agent that has a file instead of watches. Pure.</summary>
internal static class LocalChanges
{
    public static IEnumerable<CoherenceEvent> Between(LocalEndpoints? before, LocalEndpoints after)
    {
        foreach (var gone in (before?.Namespaces ?? []).Select(static item => item.Name).Except(after.Namespaces.Select(static item => item.Name), StringComparer.Ordinal))
        {
            yield return new NamespaceObserved(gone, Labels: null);
        }

        foreach (var item in after.Namespaces)
        {
            yield return new NamespaceObserved(item.Name, item.Labels);
        }

        var policies = Policies(after);
        foreach (var gone in Policies(before).Keys.Where(name => !policies.ContainsKey(name)))
        {
            yield return new NetworkPolicyObserved(gone, Policy: null);
        }

        foreach (var (name, policy) in policies)
        {
            yield return new NetworkPolicyObserved(name, policy);
        }

        var pods = Pods(after).ToDictionary(static pod => pod.Uid, StringComparer.Ordinal);
        foreach (var pod in pods.Values)
        {
            yield return new PodObserved(pod.Uid, pod);
        }

        // Last: so an address that has a new owner is seen to pass to it.
        foreach (var gone in Pods(before).Where(pod => !pods.ContainsKey(pod.Uid)))
        {
            yield return new PodObserved(gone.Uid, Pod: null);
        }
    }

    private static Dictionary<NamespacedName, V1NetworkPolicy> Policies(LocalEndpoints? local) =>
        (local?.NetworkPolicies ?? []).ToDictionary(static policy => new NamespacedName(policy.Metadata.NamespaceProperty, policy.Metadata.Name!));

    private static IEnumerable<LocalPod> Pods(LocalEndpoints? local) => (local?.Endpoints ?? [])
        .Where(static pod => !pod.HostNetwork)
        .Select(static pod => new LocalPod(pod.Uid, pod.Namespace, pod.Name, Ipv4Address.From(pod.Ip), pod.Labels));
}
