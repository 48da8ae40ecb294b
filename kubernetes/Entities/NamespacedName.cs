using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.Entities;

/// <summary>What identifies an object among those of its kind.</summary>
/// <param name="Namespace">The namespace; <see langword="null"/> for a cluster-scoped object.</param>
/// <param name="Name">The name.</param>
public readonly record struct NamespacedName(string? Namespace, string Name)
{
    /// <summary>The identity of a cluster-scoped object.</summary>
    public static NamespacedName ClusterScoped(string name) => new(Namespace: null, name);

    /// <summary>The identity of <paramref name="entity"/>.</summary>
    public static NamespacedName Of(IKubernetesObject<V1ObjectMeta> entity) =>
        new(entity.Metadata.NamespaceProperty, entity.Metadata.Name ?? string.Empty);

    /// <summary><c>namespace/name</c>, or the name alone.</summary>
    public override string ToString() => Namespace is null ? Name : $"{Namespace}/{Name}";
}
