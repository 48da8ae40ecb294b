using System.Net;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;

namespace OnCache.Operator.Peers;

/// <summary>What is remembered of a pod that has, or will have, an address of its own.</summary>
/// <param name="Uid">Which pod: a name is used again.</param>
/// <param name="Name">Its namespace and name.</param>
/// <param name="Node">Where it runs; <see langword="null"/> until that is decided.</param>
/// <param name="Labels">Its labels.</param>
/// <param name="Addresses">The addresses it has.</param>
/// <param name="IsLeaving">Whether it is being deleted.</param>
/// <param name="CreatedAt">When it was created.</param>
internal sealed record PeerPod(
    string Uid,
    NamespacedName Name,
    string? Node,
    IReadOnlyDictionary<string, string> Labels,
    IReadOnlyList<IPAddress> Addresses,
    bool IsLeaving,
    DateTimeOffset? CreatedAt)
{
    private static readonly IReadOnlyDictionary<string, string> s_unlabelled = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>
    /// The pod; <see langword="null"/> for one that has ended, and one in the network of its node: neither has an address of its own, and the
    /// traffic of the latter is never accelerated.
    /// </summary>
    public static PeerPod? Of(V1Pod pod) => pod is { Spec.HostNetwork: false, Status.Phase: not ("Succeeded" or "Failed"), Metadata: { Uid: { } uid } metadata }
        ? new PeerPod(
            uid,
            NamespacedName.Of(pod),
            pod.Spec.NodeName,
            metadata.Labels ?? s_unlabelled,
            [.. pod.Status.PodIPs.Select(static item => item.Ip).DefaultIfEmpty(pod.Status.PodIP).Select(Read).OfType<IPAddress>()],
            metadata.DeletionTimestamp is not null,
            metadata.CreationTimestamp)
        : null;

    /// <summary>Whether nothing differs that anyone here asks for.</summary>
    public bool IsSame(PeerPod other) =>
        Uid == other.Uid
        && Node == other.Node
        && IsLeaving == other.IsLeaving
        && Addresses.SequenceEqual(other.Addresses)
        && Labels.Count == other.Labels.Count
        && LabelMatching.Carries(Labels, other.Labels);

    private static IPAddress? Read(string? text) => IPAddress.TryParse(text, out var address) ? address : null;
}
