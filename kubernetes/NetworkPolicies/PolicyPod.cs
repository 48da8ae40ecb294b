using OnCache.Kubernetes.Entities;

namespace OnCache.Kubernetes.NetworkPolicies;

/// <summary>A pod as network policies see it. Pods in the network of their node are none: what policies mean for them is not defined.</summary>
/// <param name="Name">Its namespace and name.</param>
/// <param name="Labels">Its labels.</param>
/// <param name="NamespaceLabels">The labels of its namespace.</param>
public sealed record PolicyPod(NamespacedName Name, IReadOnlyDictionary<string, string> Labels, IReadOnlyDictionary<string, string> NamespaceLabels)
{
    /// <summary>The ports of its containers that have names.</summary>
    public IReadOnlyList<NamedPort> Ports { get; init; } = [];
}

/// <summary>A port that a rule may call by its name.</summary>
/// <param name="Name">The name, unique among the ports of a protocol.</param>
/// <param name="Protocol"><c>TCP</c>, <c>UDP</c> or <c>SCTP</c>.</param>
/// <param name="Number">The port.</param>
public sealed record NamedPort(string Name, string Protocol, int Number);
