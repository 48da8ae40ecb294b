using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.Entities;

/// <summary>
/// The head every object shares. Objects are values: they are read, copied with changes and sent, never changed in place.
/// </summary>
public abstract record KubernetesObject : IKubernetesObject<V1ObjectMeta>
{
    /// <inheritdoc/>
    public string? ApiVersion { get; init; }

    /// <inheritdoc/>
    public string? Kind { get; init; }

    /// <inheritdoc/>
    public V1ObjectMeta Metadata { get; init; } = new();
}
