using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.Watching;

/// <summary>
/// The objects of a selection, kept current by list and watch, through cut connections, hung ones and versions that are too old. What was
/// deleted while nobody watched is reported as deleted.
/// </summary>
public sealed class ResourceCache<T>
    where T : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly Reflector<T> _reflector;
    private readonly Func<T, T> _trim;
    private readonly Action<ResourceUpdate<T>>? _observer;
    private readonly Lock _lock = new();
    private readonly List<ResourceSubscription<T>> _subscriptions = [];
    private readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ImmutableDictionary<NamespacedName, T> _content = ImmutableDictionary<NamespacedName, T>.Empty;

    /// <summary>An empty cache; <see cref="RunAsync"/> fills it.</summary>
    /// <param name="client">The API server.</param>
    /// <param name="selection">Which objects; its version and page size are not used.</param>
    /// <param name="metrics">Where the watch reports.</param>
    /// <param name="logger">Where failures are told.</param>
    /// <param name="settings">How the watch is kept alive.</param>
    /// <param name="time">Waits and limits.</param>
    /// <param name="random">Spreads waits.</param>
    /// <param name="observer">
    /// Called with each change before any subscriber hears of it, on the thread that received it, one call at a time; the next event waits
    /// for its return. It must not throw.
    /// </param>
    /// <param name="trim">Leaves out of an object what its readers do not need, before it is kept.</param>
    public ResourceCache(
        IKubernetesClient client,
        ListQuery selection,
        WatchMetrics metrics,
        ILogger logger,
        WatchSettings? settings = null,
        TimeProvider? time = null,
        Random? random = null,
        Action<ResourceUpdate<T>>? observer = null,
        Func<T, T>? trim = null)
    {
        _observer = observer;
        _trim = trim ?? (static entity => entity);
        _reflector = new Reflector<T>(
            client,
            selection,
            settings ?? new WatchSettings(),
            metrics,
            logger,
            time ?? TimeProvider.System,
            random ?? Random.Shared);
    }

    /// <summary>All objects as of now; it does not change.</summary>
    public IReadOnlyDictionary<NamespacedName, T> Snapshot => Volatile.Read(ref _content);

    /// <summary>Whether the first list has arrived.</summary>
    public bool IsSynced => _synced.Task.IsCompletedSuccessfully;

    /// <summary>Time since the API server was last heard.</summary>
    public TimeSpan EventAge => _reflector.EventAge;

    /// <summary>The object, or <see langword="null"/> if there is none.</summary>
    public T? Find(NamespacedName name) => Volatile.Read(ref _content).GetValueOrDefault(name);

    /// <summary>Waits for the first list.</summary>
    public Task WaitForSyncAsync(CancellationToken cancellationToken) => _synced.Task.WaitAsync(cancellationToken);

    /// <summary>Begins to report changes, first an addition for each object that is there.</summary>
    public ResourceSubscription<T> Subscribe()
    {
        lock (_lock)
        {
            var subscription = new ResourceSubscription<T>(Remove);
            subscription.Publish([.. _content.Values.Select(entity => new ResourceChange<T>(ChangeKind.Added, entity, Previous: null))]);
            _subscriptions.Add(subscription);
            return subscription;
        }
    }

    /// <summary>Lists and watches until cancelled. Failures are retried for ever; to be called once.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => _reflector.RunAsync(Replace, Apply, cancellationToken);

    private void Replace(IReadOnlyList<T> items)
    {
        Change(listed: true, content => CacheTransition.Relist(content, [.. items.Select(_trim)]));
        _ = _synced.TrySetResult();
    }

    private void Apply(WatchEvent<T> received) =>
        Change(listed: false, content => CacheTransition.Apply(content, received with { Entity = _trim(received.Entity) }));

    private void Change(
        bool listed,
        Func<ImmutableDictionary<NamespacedName, T>, (ImmutableDictionary<NamespacedName, T>, IReadOnlyList<ResourceChange<T>>)> transition)
    {
        lock (_lock)
        {
            var (content, changes) = transition(_content);
            Volatile.Write(ref _content, content);
            if (listed || changes.Count > 0)
            {
                _observer?.Invoke(new ResourceUpdate<T>(listed, changes));
            }

            foreach (var subscription in _subscriptions)
            {
                subscription.Publish(changes);
            }
        }
    }

    private void Remove(ResourceSubscription<T> subscription)
    {
        lock (_lock)
        {
            _ = _subscriptions.Remove(subscription);
        }
    }
}
