using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Kubernetes.Models;

/// <summary>A namespace; its labels are what selects it.</summary>
[KubernetesEntity(Kind = "Namespace", PluralName = "namespaces")]
[EntityScope(EntityScope.Cluster)]
public sealed record V1Namespace : KubernetesObject
{
    /// <summary>Whether it is being deleted.</summary>
    public V1NamespaceStatus? Status { get; init; }
}

/// <summary>The state of a namespace.</summary>
public sealed record V1NamespaceStatus
{
    /// <summary><c>Active</c> or <c>Terminating</c>.</summary>
    public string? Phase { get; init; }
}
