using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using OnCache.Api;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Watching;

namespace OnCache.Operator.Controllers;

/// <summary>The objects the operator decides by, kept current. Followed by every replica, so that a new leader need not list first.</summary>
internal sealed class ClusterCaches
{
    private readonly ResourceCache<V1Alpha1OverlayCachePolicy> _policies;
    private readonly ResourceCache<V1Alpha1NodeCacheConfig> _configs;
    private readonly ResourceCache<V1Node> _nodes;

    public ClusterCaches(IKubernetesClient client, WatchMetrics metrics, ILogger<ClusterCaches> logger)
    {
        _policies = new ResourceCache<V1Alpha1OverlayCachePolicy>(client, new ListQuery(), metrics, logger);
        _configs = new ResourceCache<V1Alpha1NodeCacheConfig>(client, new ListQuery(), metrics, logger);
        _nodes = new ResourceCache<V1Node>(client, new ListQuery(), metrics, logger);
    }

    /// <summary>Whether every first list has arrived.</summary>
    public bool IsSynced => _policies.IsSynced && _configs.IsSynced && _nodes.IsSynced;

    /// <summary>All objects as of now.</summary>
    public ClusterView View => new([.. _policies.Snapshot.Values], [.. _nodes.Snapshot.Values], [.. _configs.Snapshot.Values]);

    /// <summary>The policy of that name, if there is one.</summary>
    public V1Alpha1OverlayCachePolicy? FindPolicy(string name) => _policies.Find(NamespacedName.ClusterScoped(name));

    /// <summary>Lists and watches until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Task.WhenAll(
        _policies.RunAsync(cancellationToken),
        _configs.RunAsync(cancellationToken),
        _nodes.RunAsync(cancellationToken));

    /// <summary>Waits for every first list: what is missing from half a view must not be taken for deleted.</summary>
    public Task WaitForSyncAsync(CancellationToken cancellationToken) => Task.WhenAll(
        _policies.WaitForSyncAsync(cancellationToken),
        _configs.WaitForSyncAsync(cancellationToken),
        _nodes.WaitForSyncAsync(cancellationToken));

    /// <summary>Calls <paramref name="changed"/> for each change that can matter, until cancelled.</summary>
    public async Task FollowAsync(Action changed, CancellationToken cancellationToken)
    {
        using var policies = _policies.Subscribe();
        using var configs = _configs.Subscribe();
        using var nodes = _nodes.Subscribe();
        await Task.WhenAll(
            PumpAsync(policies.Changes, static _ => true, changed, cancellationToken),
            PumpAsync(configs.Changes, static _ => true, changed, cancellationToken),
            PumpAsync(nodes.Changes, Matters, changed, cancellationToken));
    }

    // Kubelets report on their nodes all the time; only identity and labels decide anything here.
    private static bool Matters(ResourceChange<V1Node> change) =>
        change is not { Kind: ChangeKind.Modified, Previous: { } before }
        || !SameLabels(before.Metadata.Labels, change.Entity.Metadata.Labels);

    private static bool SameLabels(IReadOnlyDictionary<string, string>? one, IReadOnlyDictionary<string, string>? other) =>
        (one?.Count ?? 0) == (other?.Count ?? 0)
        && (one is null || one.All(label => other?.TryGetValue(label.Key, out var value) == true && string.Equals(value, label.Value, StringComparison.Ordinal)));

    private static async Task PumpAsync<T>(
        ChannelReader<ResourceChange<T>> changes,
        Predicate<ResourceChange<T>> matters,
        Action changed,
        CancellationToken cancellationToken)
        where T : class
    {
        await foreach (var change in changes.ReadAllAsync(cancellationToken))
        {
            if (matters(change))
            {
                changed();
            }
        }
    }
}
