using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Kubernetes.Models;

/// <summary>A node: the parts that say where it is and whether it can work. Read only: an update would lose the rest.</summary>
[KubernetesEntity(Kind = "Node", PluralName = "nodes")]
[EntityScope(EntityScope.Cluster)]
public sealed record V1Node : KubernetesObject
{
    /// <summary>Its place in the pod network.</summary>
    public V1NodeSpec Spec { get; init; } = new();

    /// <summary>Its addresses and conditions.</summary>
    public V1NodeStatus Status { get; init; } = new();
}

/// <summary>A node's place in the pod network.</summary>
public sealed record V1NodeSpec
{
    /// <summary>The pods' addresses on this node.</summary>
    public IReadOnlyList<string> PodCIDRs { get; init; } = [];

    /// <summary>Whether new pods are kept away.</summary>
    public bool? Unschedulable { get; init; }
}

/// <summary>A node as it is.</summary>
public sealed record V1NodeStatus
{
    /// <summary>Under which addresses it is reached.</summary>
    public IReadOnlyList<V1NodeAddress> Addresses { get; init; } = [];

    /// <summary>Its conditions, <c>Ready</c> among them.</summary>
    public IReadOnlyList<V1NodeCondition> Conditions { get; init; } = [];

    /// <summary>Its system.</summary>
    public V1NodeSystemInfo? NodeInfo { get; init; }
}

/// <summary>An address of a node.</summary>
/// <param name="Type">Such as <c>InternalIP</c>.</param>
/// <param name="Address">The address.</param>
public sealed record V1NodeAddress(string Type, string Address);

/// <summary>A condition of a node.</summary>
/// <param name="Type">Such as <c>Ready</c>.</param>
/// <param name="Status"><c>True</c>, <c>False</c> or <c>Unknown</c>.</param>
public sealed record V1NodeCondition(string Type, string Status);

/// <summary>A node's system.</summary>
public sealed record V1NodeSystemInfo
{
    /// <summary>Such as <c>linux</c>.</summary>
    public string? OperatingSystem { get; init; }

    /// <summary>Such as <c>amd64</c>.</summary>
    public string? Architecture { get; init; }

    /// <summary>The kernel's version.</summary>
    public string? KernelVersion { get; init; }
}
