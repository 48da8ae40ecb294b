using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Watching;
using OnCache.Operator.Peers;

namespace OnCache.Operator.Tests.Peers;

public sealed class PeerWatchTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly FakeCluster _cluster = new();
    private readonly SignalLedger _ledger = new(new SignalPace { PerNode = TimeSpan.Zero });

    public PeerWatchTests()
    {
        _cluster.Of<V1NetworkPolicy>().Items =
        [
            PeerSamples.Policy("shop/db", new V1NetworkPolicySpec
            {
                PodSelector = Selector("db"),
                Ingress = [new V1NetworkPolicyIngressRule { FromProperty = [new V1NetworkPolicyPeer { PodSelector = Selector("web") }] }],
            }),
        ];
        _cluster.Of<V1Pod>().Items = [Pod("shop/db1", "db"), Pod("shop/web2", "web")];
    }

    [Fact]
    public async Task A_beginning_and_a_gap_leave_everything_unknown_and_in_between_events_say_what_is_lost()
    {
        using var metrics = new WatchMetrics();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var run = new PeerWatch(_cluster, metrics, _ledger, TimeProvider.System, NullLogger<PeerWatch>.Instance).RunAsync(stop.Token);

        (await NextAsync("n1")).Causes.ShouldBe([PeerCause.Start]);

        await _cluster.Of<V1Pod>().Events.Writer.WriteAsync(new WatchEvent<V1Pod>(WatchEventType.Modified, Pod("shop/web2", "job")), stop.Token);
        var lost = await NextAsync("n1");
        lost.Causes.ShouldBe([PeerCause.PodLabels]);
        lost.Policies.ShouldBe(["shop/db"]);

        // The node of a pod that came in the gap is concerned too.
        _cluster.Of<V1Pod>().Items = [Pod("shop/db1", "db"), Pod("shop/db3", "db"), Pod("shop/web2", "job")];
        await _cluster.Of<V1Pod>().Events.Writer.WriteAsync(null, stop.Token);
        (await NextAsync("n3")).ShouldSatisfyAllConditions(
            signal => signal.Causes.ShouldBe([PeerCause.WatchGap]),
            signal => signal.IsAll.ShouldBeTrue());

        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => run);
    }

    /// <summary>The next signal of a node; what others are told is passed over.</summary>
    private async Task<PendingSignal> NextAsync(string node)
    {
        var nodes = Enumerable.Range(1, 3).ToDictionary(i => $"n{i}", _ => new SignalTarget(Stored: null, HoldsVerdicts: true), StringComparer.Ordinal);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        while (true)
        {
            var told = _ledger.Begin(nodes, DateTimeOffset.UtcNow).Due.ToDictionary(name => name, name => _ledger.End(name, isAccepted: true), StringComparer.Ordinal);
            if (told.TryGetValue(node, out var signal))
            {
                return signal;
            }

            await Task.Delay(20, limit.Token);
        }
    }

    private static V1Pod Pod(string name, string app) => PeerSamples.Pod(name, $"n{name[^1]}", $"10.0.0.{name[^1]}", new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = app });

    private static V1LabelSelector Selector(string app) => new() { MatchLabels = new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = app } };
}
