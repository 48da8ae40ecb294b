using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Watching;

namespace OnCache.Operator.Peers;

/// <summary>
/// Follows pods, namespaces and NetworkPolicies for as long as this replica leads, and enters into the ledger which nodes a change concerns.
/// The others do not follow them: all pods of a large cluster are much to hold, and a new leader begins by telling every concerned node.
/// </summary>
internal sealed partial class PeerWatch(IKubernetesClient client, WatchMetrics metrics, SignalLedger ledger, TimeProvider time, ILogger<PeerWatch> logger)
{
    /// <summary>Follows until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var pods = new ResourceCache<V1Pod>(client, new ListQuery(), metrics, logger, new WatchSettings { ListsInPages = true }, time, trim: Trim);
        var namespaces = new ResourceCache<V1Namespace>(client, new ListQuery(), metrics, logger, time: time);
        var policies = new ResourceCache<V1NetworkPolicy>(client, new ListQuery(), metrics, logger, time: time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var watches = Task.WhenAll(pods.RunAsync(stop.Token), namespaces.RunAsync(stop.Token), policies.RunAsync(stop.Token));
        try
        {
            await Task.WhenAll(
                pods.WaitForSyncAsync(cancellationToken),
                namespaces.WaitForSyncAsync(cancellationToken),
                policies.WaitForSyncAsync(cancellationToken));
            await FollowAsync(pods, namespaces, policies, stop.Token);
        }
        finally
        {
            await stop.CancelAsync();
            await watches;
        }
    }

    private async Task FollowAsync(
        ResourceCache<V1Pod> pods,
        ResourceCache<V1Namespace> namespaces,
        ResourceCache<V1NetworkPolicy> policies,
        CancellationToken cancellationToken)
    {
        using var podChanges = pods.Subscribe();
        using var namespaceChanges = namespaces.Subscribe();
        using var policyChanges = policies.Subscribe();
        var heard = Channel.CreateUnbounded<Heard>(new UnboundedChannelOptions { SingleReader = true });
        var peers = new ClusterPeers();

        // What is there already takes nothing away, and comes before any change in the subscriptions.
        Load(policyChanges.Changes, change => Apply(peers, change));
        Load(namespaceChanges.Changes, change => Apply(peers, change));
        Load(podChanges.Changes, change => Apply(peers, change));
        var concerned = peers.ConcernedNodes();
        if (concerned.Count > 0)
        {
            LogStarted(concerned.Count);
            ledger.Add(concerned, PendingSignal.OfStart(time.GetUtcNow()));
        }

        var pumps = Task.WhenAll(
            PumpAsync(podChanges.Changes, change => Apply(peers, change)),
            PumpAsync(namespaceChanges.Changes, change => Apply(peers, change)),
            PumpAsync(policyChanges.Changes, change => Apply(peers, change)));
        while (await heard.Reader.WaitToReadAsync(cancellationToken))
        {
            Enter(peers, Drain(heard.Reader));
        }

        await pumps;

        async Task PumpAsync<T>(ChannelReader<ResourceChange<T>> changes, Func<ResourceChange<T>, IReadOnlyCollection<PeerLoss>> apply)
            where T : class
        {
            await foreach (var change in changes.ReadAllAsync(cancellationToken))
            {
                _ = heard.Writer.TryWrite(new Heard(() => apply(change), time.GetUtcNow()));
            }
        }
    }

    private static IReadOnlyCollection<PeerLoss> Apply(ClusterPeers peers, ResourceChange<V1Pod> change) =>
        change.Kind == ChangeKind.Deleted ? peers.Remove(change.Entity) : peers.Set(change.Entity);

    private static IReadOnlyCollection<PeerLoss> Apply(ClusterPeers peers, ResourceChange<V1Namespace> change) =>
        change.Kind == ChangeKind.Deleted ? peers.Remove(change.Entity) : peers.Set(change.Entity);

    private static IReadOnlyCollection<PeerLoss> Apply(ClusterPeers peers, ResourceChange<V1NetworkPolicy> change)
    {
        if (change.Kind == ChangeKind.Deleted)
        {
            peers.Remove(change.Entity);
        }
        else
        {
            peers.Set(change.Entity);
        }

        return [];
    }

    // A burst of changes asks only once for the nodes of a policy.
    private static Dictionary<NamespacedName, (HashSet<PeerCause> Causes, DateTimeOffset Since)> Drain(ChannelReader<Heard> heard)
    {
        var lost = new Dictionary<NamespacedName, (HashSet<PeerCause> Causes, DateTimeOffset Since)>();
        while (heard.TryRead(out var one))
        {
            foreach (var loss in one.Apply())
            {
                if (!lost.TryGetValue(loss.Policy, out var known))
                {
                    lost[loss.Policy] = known = ([], one.At);
                }

                _ = known.Causes.Add(loss.Cause);
            }
        }

        return lost;
    }

    private void Enter(ClusterPeers peers, Dictionary<NamespacedName, (HashSet<PeerCause> Causes, DateTimeOffset Since)> lost)
    {
        foreach (var (policy, (causes, since)) in lost)
        {
            var nodes = peers.NodesOf(policy);
            if (nodes.Count > 0)
            {
                LogLost(policy, nodes.Count);
                ledger.Add(nodes, PendingSignal.Of([policy.ToString()], causes, since));
            }
        }
    }

    private static void Load<T>(ChannelReader<ResourceChange<T>> changes, Func<ResourceChange<T>, IReadOnlyCollection<PeerLoss>> apply)
        where T : class
    {
        while (changes.TryRead(out var change))
        {
            _ = apply(change);
        }
    }

    /// <summary>Leaves what decides: most of a pod is its annotations and owners.</summary>
    private static V1Pod Trim(V1Pod pod) => pod with
    {
        Metadata = new V1ObjectMeta
        {
            Name = pod.Metadata.Name,
            NamespaceProperty = pod.Metadata.NamespaceProperty,
            Uid = pod.Metadata.Uid,
            ResourceVersion = pod.Metadata.ResourceVersion,
            CreationTimestamp = pod.Metadata.CreationTimestamp,
            DeletionTimestamp = pod.Metadata.DeletionTimestamp,
            Labels = pod.Metadata.Labels,
        },
    };

    [LoggerMessage(Level = LogLevel.Information, Message = "peers of policies are followed; {Count} nodes are told that what happened before is unknown")]
    private partial void LogStarted(int count);

    [LoggerMessage(Level = LogLevel.Debug, Message = "policy {Policy} no longer names an address; {Count} nodes are told")]
    private partial void LogLost(NamespacedName policy, int count);

    private sealed record Heard(Func<IReadOnlyCollection<PeerLoss>> Apply, DateTimeOffset At);
}
