using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;

namespace OnCache.Agent.Coherence;

/// <summary>Something that was observed of the cluster. What it means depends on what was known before.</summary>
internal abstract record CoherenceEvent;

/// <summary>A pod of this node as it is now.</summary>
/// <param name="Pod">Null when it is gone.</param>
/// <param name="AfterGap">It changed while nobody watched, and may have been otherwise in between.</param>
internal sealed record PodObserved(string Uid, LocalPod? Pod, bool AfterGap = false) : CoherenceEvent;

/// <summary>A namespace as it is now.</summary>
/// <param name="Labels">Null when it is gone.</param>
/// <param name="AfterGap">It changed while nobody watched, and may have been otherwise in between.</param>
internal sealed record NamespaceObserved(string Name, IReadOnlyDictionary<string, string>? Labels, bool AfterGap = false) : CoherenceEvent;

/// <summary>A NetworkPolicy as it is now.</summary>
/// <param name="Policy">Null when it is gone.</param>
internal sealed record NetworkPolicyObserved(NamespacedName Name, V1NetworkPolicy? Policy) : CoherenceEvent;

/// <summary>NetworkPolicies had to be listed anew: others may have come and gone unseen.</summary>
internal sealed record NetworkPolicyGap : CoherenceEvent;

/// <summary>A policy of the CNI's own as it is now.</summary>
/// <param name="Version">Changes with its rules; null when it is gone.</param>
internal sealed record CniPolicyObserved(CniPolicy Policy, string? Version) : CoherenceEvent;

/// <summary>Policies of a kind had to be listed anew, or for the first time after learning began.</summary>
internal sealed record CniPolicyGap(CniPolicyKind Kind) : CoherenceEvent;

/// <summary>What the operator says of pods elsewhere in the cluster, as it stands in this node's object.</summary>
/// <param name="Revision">Counts its signals to this node.</param>
/// <param name="Policies">The policies whose peers changed by this one; null for any.</param>
internal sealed record PeersSignalled(long Revision, IReadOnlyList<NamespacedName>? Policies) : CoherenceEvent;
