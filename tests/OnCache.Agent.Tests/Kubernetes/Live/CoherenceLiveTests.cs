using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Agent.Bpf;
using OnCache.Agent.Coherence;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Kubernetes;
using OnCache.Agent.Net;
using OnCache.Agent.Tests.Datapath;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Watching;

namespace OnCache.Agent.Tests.Kubernetes.Live;

/// <summary>
/// From the real API server to the epochs in the kernel's map: each event has its named cause, moves the epochs of those it concerns,
/// and of nobody else.
/// </summary>
public sealed class CoherenceLiveTests(LiveCluster cluster) : IClassFixture<LiveCluster>
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_event_flushes_by_its_name_those_it_concerns()
    {
        await cluster.KubectlAsync(Setting, "apply", "--validate=false", "-f", "-");
        await AddressAsync("web", "10.244.1.2");
        await AddressAsync("db", "10.244.1.3");
        await AddressAsync("other", "10.244.1.4", home: "bank");
        using var client = cluster.Client();
        await using var node = await Node.StartAsync(client);

        await node.ExpectAsync(
            () => cluster.KubectlAsync(Policy("db", "web"), "apply", "-f", "-"), FlushCause.NetworkPolicyAdded, "NetworkPolicy shop/p", "db");
        await node.ExpectAsync(
            () => cluster.KubectlAsync(Policy("web", "db"), "apply", "-f", "-"), FlushCause.NetworkPolicyChanged, "NetworkPolicy shop/p", "web", "db");
        // These flush nothing: the next flush that is heard of is that of the next change.
        await cluster.KubectlAsync("", "annotate", "networkpolicy", "p", "-n", "shop", "note=a");
        await cluster.KubectlAsync("", "annotate", "pod", "web", "-n", "shop", "note=a");
        await node.ExpectAsync(
            () => cluster.KubectlAsync("", "label", "pod", "db", "-n", "shop", "role=x"), FlushCause.PodLabelsChanged, "pod shop/db", "db");
        await node.ExpectAsync(
            () => cluster.KubectlAsync("", "label", "namespace", "bank", "team=red"), FlushCause.NamespaceLabelsChanged, "namespace bank", "web");
        await cluster.KubectlAsync("", "label", "namespace", "bank", "cost=1");
        await node.ExpectAsync(
            () => cluster.KubectlAsync("", "patch", "ncc", "n1", "--type=merge", "-p", """{"spec":{"peerSignal":{"revision":1,"networkPolicies":["shop/p"]}}}"""),
            FlushCause.PeerSignal, "peers of shop/p", "web");
        await node.ExpectAsync(
            () => cluster.KubectlAsync("", "delete", "networkpolicy", "p", "-n", "shop"), FlushCause.NetworkPolicyDeleted, "NetworkPolicy shop/p", "web");
        await node.ExpectAsync(() => PhaseAsync("other", "bank", "Succeeded"), FlushCause.PodCompleted, "pod bank/other", "other");
        await node.ExpectAsync(
            () => cluster.KubectlAsync("", "delete", "pod", "db", "-n", "shop", "--grace-period=0", "--force"), FlushCause.PodDeleted, "pod shop/db", "db");
        await node.ExpectAsync(
            () => cluster.KubectlAsync(CniPolicy, "apply", "--validate=false", "-f", "-"),
            FlushCause.CniPolicyChanged, "globalnetworkpolicies.crd.projectcalico.org all");
    }

    [Fact]
    public async Task Policies_are_told_on_while_no_kind_of_a_cnis_own_is_there()
    {
        using var client = cluster.Client();
        using var metrics = new WatchMetrics();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        stop.CancelAfter(s_patience);
        var lane = new CoherenceLane();
        var source = new ClusterConfigurationSource("n1", client, lane, metrics, NullLoggerFactory.Instance, TimeProvider.System);
        var none = new CniPolicyWatch(
            client, client, [], lane, source.SetCniPoliciesAbsent, metrics, TimeProvider.System, NullLogger<CniPolicyWatch>.Instance);
        var calicos = new CniPolicyWatch(
            client, client, CniPolicyKind.Known, lane, source.SetCniPoliciesAbsent, metrics, TimeProvider.System, NullLogger<CniPolicyWatch>.Instance);
        var running = source.RunAsync(stop.Token);
        await source.WaitForSyncAsync(stop.Token);
        source.Current.Local.NetworkPolicies.ShouldBeNull("nobody has looked yet");

        await using (var changes = source.ChangesAsync(stop.Token).GetAsyncEnumerator(stop.Token))
        {
            await none.RunAsync(stop.Token);
            await UntilAsync(changes, static policies => policies is not null);
            await cluster.KubectlAsync(
                """
                apiVersion: networking.k8s.io/v1
                kind: NetworkPolicy
                metadata: {name: told, namespace: default}
                spec: {podSelector: {}}
                """,
                "apply", "-f", "-");
            await UntilAsync(changes, static policies => policies!.Any(static policy => policy.Metadata.Name == "told"));
            running = Task.WhenAll(running, calicos.RunAsync(stop.Token));
            await UntilAsync(changes, static policies => policies is null);
        }

        await stop.CancelAsync();
        await running.ContinueWith(static _ => { }, TaskScheduler.Default);

        static async Task UntilAsync(
            IAsyncEnumerator<OnCache.Agent.Configuration.AgentConfiguration> changes, Func<IReadOnlyList<V1NetworkPolicy>?, bool> condition)
        {
            do
            {
                (await changes.MoveNextAsync()).ShouldBeTrue();
            }
            while (!condition(changes.Current.Local.NetworkPolicies));
        }
    }

    private async Task AddressAsync(string pod, string address, string home = "shop")
    {
        using var client = cluster.Client();
        await client.PatchStatusAsync<V1Pod>(
            new(home, pod),
            new() { ["status"] = new JsonObject { ["phase"] = "Running", ["podIP"] = address, ["podIPs"] = new JsonArray(new JsonObject { ["ip"] = address }) } },
            Token);
    }

    private async Task PhaseAsync(string pod, string home, string phase)
    {
        using var client = cluster.Client();
        await client.PatchStatusAsync<V1Pod>(
            new(home, pod), new() { ["status"] = new JsonObject { ["phase"] = phase } }, Token);
    }

    private const string Setting =
        """
        apiVersion: oncache.io/v1alpha1
        kind: NodeCacheConfig
        metadata: {name: n1}
        spec: {}
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: shop}
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: bank}
        ---
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: default, namespace: shop}
        ---
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: default, namespace: bank}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: web, namespace: shop, labels: {app: web}}
        spec: {nodeName: n1, automountServiceAccountToken: false, containers: [{name: c, image: none}]}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: db, namespace: shop, labels: {app: db}}
        spec: {nodeName: n1, automountServiceAccountToken: false, containers: [{name: c, image: none}]}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: other, namespace: bank, labels: {app: web}}
        spec: {nodeName: n1, automountServiceAccountToken: false, containers: [{name: c, image: none}]}
        """;

    private const string CniPolicy =
        """
        apiVersion: crd.projectcalico.org/v1
        kind: GlobalNetworkPolicy
        metadata: {name: all}
        spec: {selector: all()}
        """;

    private static string Policy(string app, string peer) =>
        $$$"""
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: p, namespace: shop}
        spec:
          podSelector: {matchLabels: {app: "{{{app}}}"} }
          ingress: [{from: [{podSelector: {matchLabels: {app: "{{{peer}}}"} } }, {namespaceSelector: {matchLabels: {team: red} } }]}]
        """;

    /// <summary>An agent's watches, rules and tables, without a network: pods have entries, and their epochs can be read.</summary>
    private sealed class Node : IFlushExecutor, IAsyncDisposable
    {
        private static readonly (string Name, string Address)[] s_pods = [("web", "10.244.1.2"), ("db", "10.244.1.3"), ("other", "10.244.1.4")];

        private readonly FreshDatapath _kernel = new();
        private readonly WatchMetrics _metrics = new();
        private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        private readonly CoherenceLane _lane = new();
        private readonly EndpointTable _table;
        private readonly List<FlushPlan> _carried = [];
        private Dictionary<string, uint> _epochs = new(StringComparer.Ordinal);
        private int _known;
        private Task _running = Task.CompletedTask;

        private Node() => _table = new EndpointTable(_kernel.Maps, MonotonicClock.Now, static () => { });

        public static async Task<Node> StartAsync(KubernetesClient client)
        {
            var node = new Node();
            var source = new ClusterConfigurationSource("n1", client, node._lane, node._metrics, NullLoggerFactory.Instance, TimeProvider.System);
            var policies = new CniPolicyWatch(
                client, client, CniPolicyKind.Known, node._lane, source.SetCniPoliciesAbsent, node._metrics, TimeProvider.System, NullLogger<CniPolicyWatch>.Instance);
            node._running = Task.WhenAll(source.RunAsync(node._stop.Token), policies.RunAsync(node._stop.Token));
            await Task.WhenAll(source.WaitForSyncAsync(Token), policies.WaitForSyncAsync(Token));
            node._table.Apply(
                [
                    .. source.Current.Local.Endpoints.Select((pod, index) => new EndpointSpec(
                        Ipv4Address.From(pod.Ip), pod.Uid, index + 1, MacAddress.Parse("02:00:00:00:01:02"), MacAddress.Parse("02:00:00:00:01:01"), Mtu: 1450,
                        EndpointMode.Accelerate, ProtocolBits.All, EndpointFlags.None)),
                ],
                settle: 0);
            node._table.Count.ShouldBe(s_pods.Length);
            node._epochs = node.Epochs();
            _ = node._lane.Serve(node);
            return node;
        }

        public void Carry(FlushPlan plan, FlushTiming timing)
        {
            foreach (var target in plan.Endpoints ?? [])
            {
                _table.Flush(target, learnAfter: 0);
            }

            lock (_carried)
            {
                _carried.Add(plan);
            }
        }

        public async Task ExpectAsync(Func<Task> change, FlushCause cause, string subject, params string[] pods)
        {
            var known = _known;
            await change();
            var started = Stopwatch.GetTimestamp();
            while (Carried().Count == known)
            {
                Stopwatch.GetElapsedTime(started).ShouldBeLessThan(s_patience, $"{cause} by {subject}");
                await Task.Delay(20, Token);
            }

            var plan = Carried()[known..].ShouldHaveSingleItem();
            (plan.Cause, plan.Subject).ShouldBe((cause, subject));
            var epochs = Epochs();
            epochs.Where(pair => _epochs[pair.Key] != pair.Value).Select(static pair => pair.Key).ShouldBe(pods, ignoreOrder: true);
            (_known, _epochs) = (known + 1, epochs);
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running.ContinueWith(static _ => { }, TaskScheduler.Default);
            _stop.Dispose();
            _metrics.Dispose();
            _kernel.Dispose();
        }

        private List<FlushPlan> Carried()
        {
            lock (_carried)
            {
                return [.. _carried];
            }
        }

        private Dictionary<string, uint> Epochs() => s_pods.ToDictionary(
            static pod => pod.Name, pod => _kernel.Maps.IngressCache[_table.SlotOf(Ipv4Address.Parse(pod.Address))!.Value].Epoch, StringComparer.Ordinal);
    }
}
