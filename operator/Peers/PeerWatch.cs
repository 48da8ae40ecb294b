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
        var heard = Channel.CreateUnbounded<Heard>(new UnboundedChannelOptions { SingleReader = true });
        var peers = new ClusterPeers();
        var pods = new ResourceCache<V1Pod>(
            client,
            new ListQuery(),
            metrics,
            logger,
            new WatchSettings { ListsInPages = true },
            time,
            observer: update => Hear(update, change => Apply(peers, change)),
            trim: Trim);
        var namespaces = new ResourceCache<V1Namespace>(
            client, new ListQuery(), metrics, logger, time: time, observer: update => Hear(update, change => Apply(peers, change)));
        var policies = new ResourceCache<V1NetworkPolicy>(
            client, new ListQuery(), metrics, logger, time: time, observer: update => Hear(update, change => Apply(peers, change)));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var watches = Task.WhenAll(pods.RunAsync(stop.Token), namespaces.RunAsync(stop.Token), policies.RunAsync(stop.Token));
        try
        {
            await Task.WhenAll(
                pods.WaitForSyncAsync(cancellationToken),
                namespaces.WaitForSyncAsync(cancellationToken),
                policies.WaitForSyncAsync(cancellationToken));

            // Whatever the first lists and the events so far took away is told below.
            _ = Drain(heard.Reader);
            EnterAll(peers, PeerCause.Start, time.GetUtcNow());
            while (await heard.Reader.WaitToReadAsync(cancellationToken))
            {
                Enter(peers, Drain(heard.Reader));
            }
        }
        finally
        {
            await stop.CancelAsync();
            await watches;
        }

        void Hear<T>(ResourceUpdate<T> update, Func<ResourceChange<T>, IReadOnlyCollection<PeerLoss>> apply)
            where T : class
        {
            var now = time.GetUtcNow();
            foreach (var change in update.Changes)
            {
                _ = heard.Writer.TryWrite(new Heard(() => apply(change), IsGap: false, now));
            }

            // After its changes: pods that are new with the list are among those concerned.
            if (update.Listed)
            {
                _ = heard.Writer.TryWrite(new Heard(static () => [], IsGap: true, now));
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
    private static Burst Drain(ChannelReader<Heard> heard)
    {
        var burst = new Burst();
        while (heard.TryRead(out var one))
        {
            burst.GapAt ??= one.IsGap ? one.At : null;
            foreach (var loss in one.Apply())
            {
                if (!burst.Lost.TryGetValue(loss.Policy, out var known))
                {
                    burst.Lost[loss.Policy] = known = ([], one.At);
                }

                _ = known.Causes.Add(loss.Cause);
            }
        }

        return burst;
    }

    private void Enter(ClusterPeers peers, Burst burst)
    {
        foreach (var (policy, (causes, since)) in burst.Lost)
        {
            var nodes = peers.NodesOf(policy);
            if (nodes.Count > 0)
            {
                LogLost(policy, nodes.Count);
                ledger.Add(nodes, PendingSignal.Of([policy.ToString()], causes, since));
            }
        }

        if (burst.GapAt is { } at)
        {
            EnterAll(peers, PeerCause.WatchGap, at);
        }
    }

    private void EnterAll(ClusterPeers peers, PeerCause cause, DateTimeOffset since)
    {
        var concerned = peers.ConcernedNodes();
        if (concerned.Count > 0)
        {
            LogUnknown(concerned.Count, cause);
            ledger.Add(concerned, PendingSignal.OfAll(cause, since));
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

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} nodes are told that peers of policies may have changed unseen ({Cause})")]
    private partial void LogUnknown(int count, PeerCause cause);

    [LoggerMessage(Level = LogLevel.Debug, Message = "policy {Policy} no longer names an address; {Count} nodes are told")]
    private partial void LogLost(NamespacedName policy, int count);

    private sealed record Heard(Func<IReadOnlyCollection<PeerLoss>> Apply, bool IsGap, DateTimeOffset At);

    private sealed class Burst
    {
        public Dictionary<NamespacedName, (HashSet<PeerCause> Causes, DateTimeOffset Since)> Lost { get; } = [];

        public DateTimeOffset? GapAt { get; set; }
    }
}
