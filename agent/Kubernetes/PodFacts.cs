using OnCache.Agent.Coherence;
using OnCache.Agent.Net;
using OnCache.Api;
using OnCache.Kubernetes.Models;

namespace OnCache.Agent.Kubernetes;

/// <summary>What a pod of the API server is to this node.</summary>
internal static class PodFacts
{
    /// <summary>Whether it succeeded or failed: its addresses are free for others.</summary>
    public static bool HasEnded(V1Pod pod) => pod.Status.Phase is "Succeeded" or "Failed";

    /// <summary>Its IPv4 address; null while it has none.</summary>
    public static System.Net.IPAddress? Address(V1Pod pod) => pod.Status.PodIPs
        .Select(static item => item.Ip)
        .Append(pod.Status.PodIP ?? "")
        .Select(static text => Ipv4Notation.TryParse(text, out var address) ? address : null)
        .FirstOrDefault(static address => address is not null);

    /// <summary>The pod, so far as verdicts depend on it; null for one on the node's own network.</summary>
    public static LocalPod? Local(V1Pod pod) => pod.Spec.HostNetwork
        ? null
        : new LocalPod(
            pod.Metadata.Uid ?? "",
            pod.Metadata.NamespaceProperty ?? "",
            pod.Metadata.Name ?? "",
            HasEnded(pod) || Address(pod) is not { } address ? null : Ipv4Address.From(address),
            pod.Metadata.Labels ?? Labels.None,
            HasEnded(pod));
}
