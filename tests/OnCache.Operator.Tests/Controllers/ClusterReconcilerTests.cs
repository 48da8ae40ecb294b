using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Api;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Watching;
using OnCache.Operator.Compilation;
using OnCache.Operator.Controllers;
using OnCache.Operator.Peers;
using OnCache.Operator.Telemetry;
using OnCache.Operator.Tests.Peers;

namespace OnCache.Operator.Tests.Controllers;

/// <summary>What the loop does about writes that fail.</summary>
public sealed class ClusterReconcilerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly V1Node Node = new() { Metadata = new V1ObjectMeta { Name = "n1", Uid = "node-1" } };
    private static readonly V1Alpha1OverlayCachePolicy Policy = new()
    {
        Metadata = new V1ObjectMeta { Name = "all", Uid = "policy-1", Generation = 1 },
        Spec = new OverlayCachePolicySpec(),
    };

    /// <summary>The object of the node holds what the policy asks, so that nothing but the signal has to be written.</summary>
    [Fact]
    public async Task A_signal_whose_write_was_refused_is_written_again_under_another_number()
    {
        var cluster = new FakeCluster();
        cluster.Of<V1Node>().Items = [Node];
        cluster.Of<V1Alpha1OverlayCachePolicy>().Items = [Policy];
        cluster.Of<V1Alpha1NodeCacheConfig>().Items = [Config()];
        cluster.Of<V1Alpha1NodeCacheConfig>().RefuseOne();
        var signals = new SignalLedger(new SignalPace { PerNode = TimeSpan.Zero });
        signals.Add(["n1"], PendingSignal.Of(["shop/db"], [PeerCause.PodLabels], DateTimeOffset.UnixEpoch));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

        var run = RunAsync(cluster, signals, stop.Token);
        var refused = (await NextAsync(cluster)).ShouldNotBeNull();
        var again = (await NextAsync(cluster)).ShouldNotBeNull();

        refused.NetworkPolicies.ShouldBe(["shop/db"]);
        again.NetworkPolicies.ShouldBe(["shop/db"]);
        again.Revision.ShouldBeGreaterThan(refused.Revision);
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => run);
    }

    private static V1Alpha1NodeCacheConfig Config() => new()
    {
        Metadata = new V1ObjectMeta
        {
            Name = "n1",
            Uid = "config-1",
            Generation = 1,
            OwnerReferences = [new V1OwnerReference { ApiVersion = "v1", Kind = "Node", Name = "n1", Uid = "node-1" }],
        },
        Spec = PolicyCompiler.Compile([ReconcilePlanner.Policy(Policy)], [ReconcilePlanner.Node(Node)]).Nodes["n1"],
    };

    private static async Task RunAsync(FakeCluster cluster, SignalLedger signals, CancellationToken cancellationToken)
    {
        using var watches = new WatchMetrics();
        using var metrics = new OperatorMetrics();
        var caches = new ClusterCaches(cluster, watches, NullLogger<ClusterCaches>.Instance);
        var reconciler = new ClusterReconciler(
            caches, signals, new ClusterWriter(cluster), new NoEvents(), metrics, TimeProvider.System, NullLogger<ClusterReconciler>.Instance);
        await Task.WhenAll(caches.RunAsync(cancellationToken), reconciler.RunAsync(cancellationToken));
    }

    /// <summary>The signal of the next write of the node's object.</summary>
    private static async Task<PeerSignal?> NextAsync(FakeCluster cluster)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        return (await cluster.Of<V1Alpha1NodeCacheConfig>().Applies.Reader.ReadAsync(limit.Token)).Spec.PeerSignal;
    }

    private sealed class NoEvents : IEventSink
    {
        public Task PublishAsync<T>(T entity, ClusterEvent happened, CancellationToken cancellationToken)
            where T : class, IKubernetesObject<V1ObjectMeta> => Task.CompletedTask;
    }
}
