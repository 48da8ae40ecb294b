using OnCache.Agent.Coherence;
using OnCache.Api;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Watching;

namespace OnCache.Agent.Kubernetes;

using Observed = IEnumerable<(CoherenceEvent Event, DateTimeOffset? ChangedAt)>;

/// <summary>What a message of the API server tells of the cluster. Pure.</summary>
internal static class ClusterEvents
{
    public static Observed Of(ResourceUpdate<V1Pod> update) => update.Changes.Select(change => (
        (CoherenceEvent)new PodObserved(
            change.Entity.Metadata.Uid ?? "",
            change.Kind == ChangeKind.Deleted ? null : PodFacts.Local(change.Entity),
            ChangedInGap(update, change)),
        ChangedAt(change)));

    public static Observed Of(ResourceUpdate<V1Namespace> update) => update.Changes.Select(change => (
        (CoherenceEvent)new NamespaceObserved(
            change.Entity.Metadata.Name ?? "",
            change.Kind == ChangeKind.Deleted ? null : change.Entity.Metadata.Labels ?? Labels.None,
            ChangedInGap(update, change)),
        ChangedAt(change)));

    /// <summary>The operator's signal, as it stands in the node's own object.</summary>
    public static Observed Of(ResourceUpdate<V1Alpha1NodeCacheConfig> update) => update.Changes
        .Where(static change => change.Kind != ChangeKind.Deleted)
        .Select(static change => (change.Entity.Spec.PeerSignal ?? new PeerSignal(), ChangedAt(change)))
        .Select(static item => (
            (CoherenceEvent)new PeersSignalled(item.Item1.Revision, item.Item1.All ? null : [.. item.Item1.NetworkPolicies.Select(Name)]),
            item.Item2));

    // The first list is a gap as well; where learning has not begun, nothing comes of it.
    public static Observed Of(ResourceUpdate<V1NetworkPolicy> update)
    {
        foreach (var change in update.Changes)
        {
            yield return (
                new NetworkPolicyObserved(NamespacedName.Of(change.Entity), change.Kind == ChangeKind.Deleted ? null : change.Entity),
                ChangedAt(change));
        }

        if (update.Listed)
        {
            yield return (new NetworkPolicyGap(), null);
        }
    }

    public static Observed Of(CniPolicyKind kind, ResourceUpdate<V1PartialObjectMetadata> update)
    {
        foreach (var change in update.Changes)
        {
            yield return (
                new CniPolicyObserved(new CniPolicy(kind, NamespacedName.Of(change.Entity)), change.Kind == ChangeKind.Deleted ? null : Version(change.Entity.Metadata)),
                ChangedAt(change));
        }

        if (update.Listed)
        {
            yield return (new CniPolicyGap(kind), null);
        }
    }

    private static NamespacedName Name(string text) => text.Split('/') is [var home, var name] ? new(home, name) : NamespacedName.ClusterScoped(text);

    // Where a server does not count changes of the rules, every change counts.
    private static string Version(V1ObjectMeta metadata) =>
        $"{metadata.Uid} {(metadata.Generation is { } generation and > 0 ? $"{generation}" : $"v{metadata.ResourceVersion}")}";

    private static bool ChangedInGap<T>(ResourceUpdate<T> update, ResourceChange<T> change)
        where T : class => update.Listed && change.Kind == ChangeKind.Modified;

    private static DateTimeOffset? ChangedAt<T>(ResourceChange<T> change)
        where T : class, IKubernetesObject<V1ObjectMeta> => change.Kind == ChangeKind.Deleted
            ? change.Entity.Metadata.DeletionTimestamp
            : change.Entity.Metadata.LastChange ?? change.Entity.Metadata.CreationTimestamp;
}
