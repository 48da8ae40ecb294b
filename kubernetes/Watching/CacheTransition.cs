using System.Collections.Immutable;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.Watching;

/// <summary>The next content of a cache and what changed on the way. Pure functions of the content before.</summary>
internal static class CacheTransition
{
    /// <summary>What an event of a watch does.</summary>
    public static (ImmutableDictionary<NamespacedName, T> Content, IReadOnlyList<ResourceChange<T>> Changes) Apply<T>(
        ImmutableDictionary<NamespacedName, T> content,
        WatchEvent<T> received)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var name = NamespacedName.Of(received.Entity);
        var known = content.GetValueOrDefault(name);
        return received.Type switch
        {
            WatchEventType.Bookmark => (content, []),
            WatchEventType.Deleted => known is null
                ? (content, [])
                : (content.Remove(name), [new ResourceChange<T>(ChangeKind.Deleted, received.Entity, known)]),
            _ => (content.SetItem(name, received.Entity), Replace(known, received.Entity)),
        };
    }

    /// <summary>What a new list does: objects missing from it are reported as deleted, before anything else is reported.</summary>
    public static (ImmutableDictionary<NamespacedName, T> Content, IReadOnlyList<ResourceChange<T>> Changes) Relist<T>(
        ImmutableDictionary<NamespacedName, T> content,
        IReadOnlyList<T> items)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var builder = ImmutableDictionary.CreateBuilder<NamespacedName, T>();
        foreach (var item in items)
        {
            builder[NamespacedName.Of(item)] = item;
        }

        var next = builder.ToImmutable();
        var changes = new List<ResourceChange<T>>();
        foreach (var (name, old) in content)
        {
            if (!next.ContainsKey(name))
            {
                changes.Add(new ResourceChange<T>(ChangeKind.Deleted, old, old));
            }
        }

        foreach (var (name, item) in next)
        {
            var known = content.GetValueOrDefault(name);
            if (known is null || known.Metadata.ResourceVersion != item.Metadata.ResourceVersion)
            {
                changes.AddRange(Replace(known, item));
            }
        }

        return (next, changes);
    }

    // An object under an old name with a new UID is another one: whoever holds something for the old one must let go of it.
    private static IReadOnlyList<ResourceChange<T>> Replace<T>(T? known, T item)
        where T : class, IKubernetesObject<V1ObjectMeta> =>
        known is null
            ? [new ResourceChange<T>(ChangeKind.Added, item, Previous: null)]
            : known.Metadata.Uid == item.Metadata.Uid
                ? [new ResourceChange<T>(ChangeKind.Modified, item, known)]
                : [new ResourceChange<T>(ChangeKind.Deleted, known, known), new ResourceChange<T>(ChangeKind.Added, item, Previous: null)];
}
