using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Kubernetes.Models;

/// <summary>Plain settings.</summary>
[KubernetesEntity(Kind = "ConfigMap", PluralName = "configmaps")]
public sealed record V1ConfigMap : KubernetesObject
{
    /// <summary>The content by key.</summary>
    public IReadOnlyDictionary<string, string>? Data { get; init; }
}
