using Microsoft.Extensions.Logging;
using OnCache.Agent.Coherence;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Watching;

namespace OnCache.Agent.Kubernetes;

/// <summary>
/// Watches the CNI's own policies, the kinds of them that the cluster has, by their metadata. Looks once a minute, or up to half of one
/// later, whether kinds have come or gone.
/// </summary>
/// <param name="setAbsent">Told after each look whether the cluster is known to have none of the kinds.</param>
internal sealed partial class CniPolicyWatch(
    IKubernetesClient client,
    IApiDiscovery discovery,
    IReadOnlyList<CniPolicyKind> kinds,
    CoherenceLane lane,
    Action<bool> setAbsent,
    WatchMetrics metrics,
    TimeProvider time,
    ILogger logger)
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMinutes(1);

    // A kind that may not be read must not keep the rest from being accelerated for ever: what it says later voids all.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly Dictionary<CniPolicyKind, Watch> _watches = [];
    private readonly TaskCompletionSource _looked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Looks and watches until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            setAbsent(kinds.Count == 0);
            while (kinds.Count > 0)
            {
                await LookAsync(cancellationToken);
                await Task.Delay(s_interval * (1 + (Random.Shared.NextDouble() / 2)), time, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The watches end below.
        }
        finally
        {
            _looked.TrySetResult();
            foreach (var watch in _watches.Values)
            {
                await watch.DisposeAsync();
            }
        }
    }

    /// <summary>Waits until the kinds that are there have been listed, or ten seconds.</summary>
    public async Task WaitForSyncAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _looked.Task.WaitAsync(s_patience, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            LogLate();
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<EntityType> found;
        try
        {
            found = await discovery.FindKindsAsync([.. kinds.Select(static kind => kind.Group).Distinct(StringComparer.Ordinal)], cancellationToken);
        }
        catch (KubernetesException failure)
        {
            LogNotFound(failure.Message);
            // A kind may have come by now.
            setAbsent(false);
            return;
        }

        var present = kinds
            .Select(kind => (Kind: kind, Type: found.FirstOrDefault(type => type.Group == kind.Group && type.Plural == kind.Plural)))
            .Where(static pair => pair.Type is not null)
            .ToDictionary(static pair => pair.Kind, static pair => pair.Type!);
        setAbsent(present.Count == 0);
        foreach (var (kind, watch) in _watches.Where(watch => present.GetValueOrDefault(watch.Key) != watch.Value.Type).ToList())
        {
            _watches.Remove(kind);
            await watch.DisposeAsync();
            lane.Observe(watch.Cache.Snapshot.Keys.Select(name => ((CoherenceEvent)new CniPolicyObserved(new CniPolicy(kind, name), Version: null), (DateTimeOffset?)null)));
            LogGone(kind);
        }

        foreach (var (kind, type) in present.Where(pair => !_watches.ContainsKey(pair.Key)))
        {
            LogWatched(kind, type.Version);
            _watches.Add(kind, new Watch(type, new ResourceCache<V1PartialObjectMetadata>(
                client, new ListQuery { MetadataOf = type }, metrics, logger, observer: update => lane.Observe(ClusterEvents.Of(kind, update)))));
        }

        if (!_looked.Task.IsCompleted)
        {
            await Task.WhenAny(
                Task.WhenAll(_watches.Values.Select(watch => watch.Cache.WaitForSyncAsync(cancellationToken))),
                Task.Delay(s_patience, time, cancellationToken));
            _looked.TrySetResult();
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Kind}, version {Version}, is watched: its changes void verdicts")]
    private partial void LogWatched(CniPolicyKind kind, string version);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Kind} is not there any more")]
    private partial void LogGone(CniPolicyKind kind);

    [LoggerMessage(Level = LogLevel.Warning, Message = "kinds of CNI policies not looked for, tried again: {Reason}")]
    private partial void LogNotFound(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "policies of the CNI's own are not listed yet; the agent goes on, and voids all when they are")]
    private partial void LogLate();

    /// <summary>A running watch.</summary>
    private sealed class Watch : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _running;

        public Watch(EntityType type, ResourceCache<V1PartialObjectMetadata> cache)
        {
            Type = type;
            Cache = cache;
            _running = cache.RunAsync(_stop.Token);
        }

        public EntityType Type { get; }

        public ResourceCache<V1PartialObjectMetadata> Cache { get; }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running;
            _stop.Dispose();
        }
    }
}
