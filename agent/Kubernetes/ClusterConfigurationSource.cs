using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using OnCache.Agent.Coherence;
using OnCache.Agent.Configuration;
using OnCache.Api;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Watching;

namespace OnCache.Agent.Kubernetes;

/// <summary>
/// The agent's orders from the API server: its own NodeCacheConfig, the pods of its node, the namespaces. What can alter a verdict,
/// NetworkPolicies among it, takes the short way to the flush before anyone else hears of it.
/// </summary>
internal sealed class ClusterConfigurationSource : IConfigurationSource
{
    private readonly string _node;
    private readonly ResourceCache<V1Alpha1NodeCacheConfig> _configs;
    private readonly ResourceCache<V1Pod> _pods;
    private readonly ResourceCache<V1Namespace> _namespaces;
    private readonly ResourceCache<V1NetworkPolicy> _networkPolicies;
    // A burst is one change: everything that is there now is in the caches already.
    private readonly Channel<bool> _changed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly TimeProvider _time;
    private volatile bool _cniPoliciesAbsent;
    private volatile AgentConfiguration _current;
    private volatile ConfigurationState _state;

    public ClusterConfigurationSource(string node, IKubernetesClient client, CoherenceLane lane, WatchMetrics metrics, ILoggerFactory loggers, TimeProvider time)
    {
        var logger = loggers.CreateLogger<ClusterConfigurationSource>();
        _node = node;
        _time = time;
        _configs = new(
            client, new ListQuery { FieldSelector = $"metadata.name={node}" }, metrics, logger,
            observer: update => lane.Observe(ClusterEvents.Of(update)));
        _pods = new(
            client, new ListQuery { FieldSelector = $"spec.nodeName={node}" }, metrics, logger,
            observer: update => lane.Observe(ClusterEvents.Of(update)));
        _namespaces = new(client, new ListQuery(), metrics, logger, observer: update => lane.Observe(ClusterEvents.Of(update)));
        _networkPolicies = new(
            client, new ListQuery(), metrics, logger,
            observer: update => lane.Observe(ClusterEvents.Of(update)));
        _current = new NodeObjects(node, Spec: null, Generation: 0, [], []).ToConfiguration();
        _state = new ConfigurationState($"NodeCacheConfig {node}", time.GetUtcNow(), "the API server has not answered yet");
    }

    public AgentConfiguration Current => _current;

    public ConfigurationState State => _state;

    /// <summary>The node's own object, as it is now; null where there is none.</summary>
    public V1Alpha1NodeCacheConfig? Object => _configs.Find(new NamespacedName(null, _node));

    /// <summary>A pod of this node, as it is now; null where there is none.</summary>
    public V1Pod? Pod(NamespacedName name) => _pods.Find(name);

    /// <summary>A namespace, as it is now; null where there is none.</summary>
    public V1Namespace? Namespace(string name) => _namespaces.Find(NamespacedName.ClusterScoped(name));

    /// <summary>Whether the cluster is known to have no policies but NetworkPolicies.</summary>
    public void SetCniPoliciesAbsent(bool absent)
    {
        if (_cniPoliciesAbsent != absent)
        {
            _cniPoliciesAbsent = absent;
            _changed.Writer.TryWrite(true);
        }
    }

    /// <summary>Lists and watches until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Task.WhenAll(
        _configs.RunAsync(cancellationToken),
        _pods.RunAsync(cancellationToken),
        _namespaces.RunAsync(cancellationToken),
        _networkPolicies.RunAsync(cancellationToken));

    /// <summary>Waits for the first complete view; half a view could lack an exclusion, or a policy whose change must be noticed.</summary>
    public async Task WaitForSyncAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(
            _configs.WaitForSyncAsync(cancellationToken),
            _pods.WaitForSyncAsync(cancellationToken),
            _namespaces.WaitForSyncAsync(cancellationToken),
            _networkPolicies.WaitForSyncAsync(cancellationToken));
        Read();
    }

    public async IAsyncEnumerable<AgentConfiguration> ChangesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var configs = _configs.Subscribe();
        using var pods = _pods.Subscribe();
        using var namespaces = _namespaces.Subscribe();
        using var networkPolicies = _networkPolicies.Subscribe();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pumps = Task.WhenAll(
            PumpAsync(configs.Changes, _changed.Writer, stop.Token),
            PumpAsync(pods.Changes, _changed.Writer, stop.Token),
            PumpAsync(namespaces.Changes, _changed.Writer, stop.Token),
            PumpAsync(networkPolicies.Changes, _changed.Writer, stop.Token));
        try
        {
            await foreach (var _ in _changed.Reader.ReadAllAsync(cancellationToken))
            {
                yield return Read();
            }
        }
        finally
        {
            await stop.CancelAsync();
            await pumps.ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    private AgentConfiguration Read()
    {
        var config = Object;
        var next = new NodeObjects(_node, config?.Spec, config?.Metadata.Generation ?? 0, [.. _pods.Snapshot.Values], [.. _namespaces.Snapshot.Values])
        {
            Uid = config?.Metadata.Uid,
            NetworkPolicies = _cniPoliciesAbsent ? [.. _networkPolicies.Snapshot.Values] : null,
        }.ToConfiguration();
        _current = next;
        _state = new ConfigurationState(
            config is null ? $"NodeCacheConfig {_node} (none yet)" : $"NodeCacheConfig {_node}, generation {config.Metadata.Generation}",
            _time.GetUtcNow(),
            Error: null);
        return next;
    }

    private static async Task PumpAsync<T>(
        ChannelReader<ResourceChange<T>> changes, ChannelWriter<bool> changed, CancellationToken cancellationToken)
        where T : class
    {
        await foreach (var _ in changes.ReadAllAsync(cancellationToken))
        {
            changed.TryWrite(true);
        }
    }
}
