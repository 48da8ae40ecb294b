using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Watching;

namespace OnCache.Kubernetes.Controllers;

/// <summary>Common choices of changes.</summary>
public static class ChangeFilter
{
    /// <summary>
    /// All changes but those of the status alone, so that a controller is not woken by its own writes. Meant for kinds that count their
    /// generation; without one every change passes.
    /// </summary>
    public static bool IgnoreStatus<TEntity>(ResourceChange<TEntity> change)
        where TEntity : class, IKubernetesObject<V1ObjectMeta>
    {
        if (change is not { Kind: ChangeKind.Modified, Previous.Metadata: { } before })
        {
            return true;
        }

        var now = change.Entity.Metadata;
        return now.Generation is null
            || now.Generation != before.Generation
            || now.DeletionTimestamp != before.DeletionTimestamp
            || !Same(now.Labels, before.Labels)
            || !Same(now.Annotations, before.Annotations)
            || !(now.Finalizers ?? []).SequenceEqual(before.Finalizers ?? [], StringComparer.Ordinal);
    }

    private static bool Same(IReadOnlyDictionary<string, string>? one, IReadOnlyDictionary<string, string>? other) =>
        (one?.Count ?? 0) == (other?.Count ?? 0)
        && (one is null || one.All(pair => other!.TryGetValue(pair.Key, out var value) && value == pair.Value));
}
