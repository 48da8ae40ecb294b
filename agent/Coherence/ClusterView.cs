using System.Collections.Immutable;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;

namespace OnCache.Agent.Coherence;

/// <summary>What the agent has seen of the cluster, so far as verdicts for its pods depend on it. Immutable.</summary>
internal sealed record ClusterView
{
    public static ClusterView Empty { get; } = new();

    /// <summary>The pods of this node by uid.</summary>
    public ImmutableDictionary<string, LocalPod> Pods { get; init; } = ImmutableDictionary<string, LocalPod>.Empty;

    /// <summary>The labels of all namespaces by name.</summary>
    public ImmutableDictionary<string, IReadOnlyDictionary<string, string>> Namespaces { get; init; } =
        ImmutableDictionary<string, IReadOnlyDictionary<string, string>>.Empty;

    public ImmutableDictionary<NamespacedName, V1NetworkPolicy> Policies { get; init; } =
        ImmutableDictionary<NamespacedName, V1NetworkPolicy>.Empty;

    /// <summary>The last signal of the operator; null before the first.</summary>
    public long? PeerRevision { get; init; }

    /// <summary>The versions of the CNI's own policies.</summary>
    public ImmutableDictionary<CniPolicy, string> CniPolicies { get; init; } = ImmutableDictionary<CniPolicy, string>.Empty;
}

/// <summary>A policy of a kind of the CNI's own.</summary>
internal readonly record struct CniPolicy(CniPolicyKind Kind, NamespacedName Name);
