using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Kubernetes.Models;

/// <summary>A secret.</summary>
[KubernetesEntity(Kind = "Secret", PluralName = "secrets")]
public sealed record V1Secret : KubernetesObject
{
    /// <summary>The content by key.</summary>
    public IReadOnlyDictionary<string, byte[]>? Data { get; init; }

    /// <summary>Such as <c>kubernetes.io/tls</c>.</summary>
    public string? Type { get; init; }
}
