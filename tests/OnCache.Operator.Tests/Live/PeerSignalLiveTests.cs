using System.Text.Json.Nodes;
using OnCache.Api;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Lab;

namespace OnCache.Operator.Tests.Live;

/// <summary>Pods change and the right nodes are told, against a real API server. There are no kubelets: the test says which addresses pods have.</summary>
[Collection("live")]
public sealed class PeerSignalLiveTests(LiveServer server) : IAsyncLifetime
{
    private readonly string _home = $"t{Guid.NewGuid():N}";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await server.RequireAsync();
        foreach (var node in new[] { "n1", "n2", "n3" })
        {
            _ = await server.Client.CreateAsync(new V1Node { Metadata = new V1ObjectMeta { Name = node } });
        }

        await server.MustAsync("", "create", "namespace", _home);
        await server.MustAsync("", "create", "serviceaccount", "default", "-n", _home);
        await server.MustAsync(
            """
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata: { name: db }
            spec: { podSelector: { matchLabels: { app: db } }, ingress: [ { from: [ { podSelector: { matchLabels: { app: web } } } ] } ] }
            ---
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata: { name: closed }
            spec: { podSelector: {} }
            """,
            "apply", "-n", _home, "-f", "-");
        await server.MustAsync("", "apply", "-f", Path.Combine(AppContext.BaseDirectory, "config/samples/minimal.yaml"));
        await PodAsync("db1", "db", "n1", "10.9.1.1");
        await PodAsync("db2", "db", "n2", "10.9.2.1");
        await PodAsync("web1", "web", "n3", "10.9.3.1");
        await PodAsync("web2", "web", "n3", "10.9.3.2");
    }

    public async ValueTask DisposeAsync()
    {
        if (server.Kubeconfig.Length == 0)
        {
            return;
        }

        _ = await server.KubectlAsync("", "delete", "pod", "--all", "-n", _home, "--grace-period=0", "--force");
        _ = await server.KubectlAsync("", "delete", "networkpolicy", "--all", "-n", _home);
        _ = await server.KubectlAsync("", "delete", "ocp", "--all", Liveness.KubectlTimeout);
        _ = await server.KubectlAsync("", "delete", "node,ncc", "--all");
        _ = await server.KubectlAsync("", "delete", "lease", "--all", "-n", "oncache-system");
        _ = await server.KubectlAsync("", "delete", "namespace", _home, "--wait=false");
    }

    [Fact]
    public async Task A_pod_that_a_policy_no_longer_names_is_told_to_the_nodes_of_the_pods_it_selects()
    {
        await using var running = await FollowingAsync();
        var start = await StoredAsync();

        await server.MustAsync("", "label", "pod", "web1", "-n", _home, "app=job", "--overwrite");
        foreach (var node in new[] { "n1", "n2" })
        {
            var signal = await SignalAsync(node, signal => signal.Revision > start[node]);
            signal.Revision.ShouldBe(start[node] + 1);
            signal.NetworkPolicies.ShouldBe([$"{_home}/db"]);
            signal.All.ShouldBeFalse();
        }

        await server.MustAsync("", "delete", "pod", "web2", "-n", _home, "--grace-period=0", "--force");
        (await SignalAsync("n1", signal => signal.Revision == start["n1"] + 2)).NetworkPolicies.ShouldBe([$"{_home}/db"]);
        _ = await SignalAsync("n2", signal => signal.Revision == start["n2"] + 2);

        // No policy selects a pod there.
        (await ConfigAsync("n3", _ => true)).Spec.PeerSignal.ShouldBeNull();
    }

    [Fact]
    public async Task What_takes_nothing_away_costs_no_write()
    {
        await using var running = await FollowingAsync();
        await Task.Delay(2000, Token);
        var before = await VersionsAsync();

        await server.MustAsync("", "label", "pod", "web2", "-n", _home, "version=2");
        await server.MustAsync("", "label", "namespace", _home, "team=a");
        await PodAsync("web3", "web", "n3", "10.9.3.3");
        await server.MustAsync("", "delete", "pod", "db2", "-n", _home, "--grace-period=0", "--force");
        await Task.Delay(5000, Token);

        (await VersionsAsync()).ShouldBe(before);
    }

    // A leader that finds the nodes configured tells those that are concerned that it cannot know what happened before.
    private async Task<RunningOperator> FollowingAsync()
    {
        await using (RunningOperator.Start(server, "first"))
        {
            foreach (var node in new[] { "n1", "n2", "n3" })
            {
                _ = await ConfigAsync(node, config => config.Spec.Policies.Count == 1);
            }
        }

        var before = await StoredAsync();
        var running = RunningOperator.Start(server, "second");
        foreach (var node in new[] { "n1", "n2" })
        {
            (await SignalAsync(node, signal => signal.Revision > before[node])).All.ShouldBeTrue();
        }

        return running;
    }

    private async Task<Dictionary<string, long>> StoredAsync() =>
        (await server.Client.ListAsync<V1Alpha1NodeCacheConfig>()).Items.ToDictionary(
            config => config.Metadata.Name!,
            config => config.Spec.PeerSignal?.Revision ?? 0,
            StringComparer.Ordinal);

    private async Task PodAsync(string name, string app, string node, string address)
    {
        await server.MustAsync(
            $$"""
            apiVersion: v1
            kind: Pod
            metadata: { name: {{name}}, namespace: {{_home}}, labels: { app: {{app}} } }
            spec: { nodeName: {{node}}, automountServiceAccountToken: false, containers: [ { name: c, image: none } ] }
            """,
            "apply", "-f", "-");
        _ = await server.Client.PatchStatusAsync<V1Pod>(
            new NamespacedName(_home, name),
            new JsonObject { ["status"] = new JsonObject { ["phase"] = "Running", ["podIP"] = address, ["podIPs"] = new JsonArray(new JsonObject { ["ip"] = address }) } });
    }

    private async Task<V1Alpha1NodeCacheConfig> ConfigAsync(string node, Predicate<V1Alpha1NodeCacheConfig> until) =>
        await Eventually.GetAsync($"the configuration of {node}", async () =>
            await server.Client.GetAsync<V1Alpha1NodeCacheConfig>(NamespacedName.ClusterScoped(node)) is { } config && until(config) ? config : null);

    private async Task<PeerSignal> SignalAsync(string node, Predicate<PeerSignal> until) =>
        (await ConfigAsync(node, config => config.Spec.PeerSignal is { } signal && until(signal))).Spec.PeerSignal!;

    private async Task<string> VersionsAsync() => string.Join(
        ' ',
        (await server.Client.ListAsync<V1Alpha1NodeCacheConfig>()).Items.Select(config => $"{config.Metadata.Name}={config.Metadata.ResourceVersion}").Order(StringComparer.Ordinal));
}
