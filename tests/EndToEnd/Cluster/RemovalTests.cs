using System.Diagnostics;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab;
using OnCache.Lab.Cluster.Components;
using OnCache.Lab.Cluster.Nodes;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Cluster;

/// <summary>
/// OnCache is removed with a policy in force, in whatever order its objects go: nothing of it stays in the API, nodes are clean without
/// anybody's help, traffic goes on, and the next installation works at once.
/// </summary>
[Collection(ClusterTests.Name)]
public sealed class RemovalTests(InstalledCluster cluster) : IAsyncLifetime
{
    private const string Space = InstalledCluster.OwnNamespace;
    private static readonly string s_config = Path.Combine(InstalledCluster.Root, "config");

    // In the arguments of "kubectl delete"; "api" kills the API server and starts it again, "plain" waits until agents that still run
    // accelerate nothing. All but the first leave the namespace, whose end Kubernetes takes its time for.
    private static readonly Dictionary<string, string[]> s_orders = new(StringComparer.Ordinal)
    {
        ["namespace first, as the manifests have it"] = ["-k config/default"],
        ["policies first"] = ["ocp --all", "plain", "-k config/rbac", "-k config/operator", "-k config/agent", "-k config/crd"],
        ["definitions first"] = ["-k config/crd", "plain", "-k config/rbac", "-k config/agent", "-k config/operator"],
        ["DaemonSet first"] = ["-k config/agent", "-k config/crd", "-k config/rbac", "-k config/operator"],
        ["DaemonSet first, in the foreground"] = ["-k config/agent --cascade=foreground", "-k config/operator", "-k config/rbac", "-k config/crd"],
        ["rights first"] = ["-k config/rbac", "-k config/agent", "-k config/operator", "-k config/crd"],
        ["operator first"] = ["-k config/operator --cascade=foreground", "-k config/crd", "-k config/rbac", "-k config/agent"],
        ["API server killed in the middle"] = ["-k config/crd --wait=false", "-k config/agent --wait=false", "api", "-k config/rbac", "-k config/operator"],
    };

    private readonly Replicas replicas = new(cluster);

    public static TheoryData<string> Orders => [.. s_orders.Keys];

    public ValueTask InitializeAsync() => new(cluster.RequireAsync());

    public async ValueTask DisposeAsync()
    {
        if (cluster.IsUp)
        {
            await cluster.UndoAsync("apply", "-k", Path.Combine(s_config, "default"), "--validate=false");
        }
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public async Task Nothing_stays_and_installing_again_works_whatever_goes_first(string order)
    {
        var started = Stopwatch.GetTimestamp();
        await using var policy = new TrialPolicy(cluster);
        await policy.ApplyAsync("{}");
        await using var conversation = await TcpConversation.OpenAsync(cluster.Client, cluster.Server);
        await cluster.UntilAcceleratedAsync(conversation);
        Say("accelerated");

        foreach (var step in s_orders[order])
        {
            await (step switch
            {
                "api" => RestartApiAsync(),
                "plain" => cluster.UntilPlainAsync(conversation),
                _ => StepAsync($"-n {Space} delete {step} --ignore-not-found {Liveness.KubectlTimeout}"),
            });
            await conversation.ExchangeAsync(4);
        }

        Say("removed");
        await Eventually.ReadsAsync(LeftAsync, left => left is "" or $"namespace/{Space}", "gone from the API", Eventually.Sparing);
        await UntilCleanAsync();

        Say("clean");
        await conversation.ExchangeAsync(4);

        await cluster.KubectlAsync("apply", "-k", Path.Combine(s_config, "default"), "--validate=false");
        await cluster.RequireAsync();
        await policy.ApplyAsync("{}");
        await cluster.UntilAcceleratedAsync(conversation);
        Say("accelerated again");

        void Say(string what) => TestContext.Current.TestOutputHelper!.WriteLine(
            FormattableString.Invariant($"{Stopwatch.GetElapsedTime(started).TotalSeconds,6:F1} s  {what}"));
    }

    [Fact]
    public async Task Agents_that_are_told_to_end_while_the_API_server_is_away_ask_until_it_is_back()
    {
        await using var policy = new TrialPolicy(cluster);
        await policy.ApplyAsync("{}");
        await using var conversation = await TcpConversation.OpenAsync(cluster.Client, cluster.Server);
        await cluster.UntilAcceleratedAsync(conversation);

        var frozen = new List<FrozenProcess>();
        try
        {
            foreach (var node in cluster.Kubernetes.Nodes)
            {
                frozen.Add(FrozenProcess.Of(await replicas.AgentAsync(node), Replicas.AgentCommand));
            }

            await StepAsync($"-n {Space} delete daemonset oncache-agent --wait=false");
            foreach (var process in frozen)
            {
                await Eventually.HoldsAsync(() => process.IsToldToEnd, "told to end");
            }

            await cluster.Kubernetes.ControlPlane.KillApiServerAsync(TestContext.Current.CancellationToken);
            frozen.ForEach(static process => process.Dispose());
            foreach (var node in cluster.Kubernetes.Nodes)
            {
                await Eventually.ReadsAsync(
                    () => RefusalsAsync(node), static refusals => refusals != "", $"the agent of {node.Name} has asked in vain", Eventually.Sparing);
            }
        }
        finally
        {
            frozen.ForEach(static process => process.Dispose());
            await cluster.Kubernetes.ControlPlane.StartApiServerAsync(CancellationToken.None);
        }

        await UntilCleanAsync();

        await conversation.ExchangeAsync(4);

        static async Task<string> RefusalsAsync(ClusterNode node) => (await node.RunCommandAsync(
            "grep", ["-rhs", "not known whether it stays", "/var/log/pods"], cancellationToken: TestContext.Current.CancellationToken)).Output;
    }

    [Fact]
    public async Task Agents_that_are_restarted_or_left_behind_by_their_DaemonSet_leave_all_in_place_for_the_next()
    {
        await using var policy = new TrialPolicy(cluster);
        await policy.ApplyAsync("{}");
        await using var conversation = await TcpConversation.OpenAsync(cluster.Client, cluster.Server);
        await cluster.UntilAcceleratedAsync(conversation);
        var links = await LinksAsync();

        await StepAsync($"-n {Space} delete pods -l app.kubernetes.io/name=oncache-agent {Liveness.KubectlTimeout}");
        await SuccessorsAsync();
        (await LinksAsync()).ShouldBe(links);

        await StepAsync($"-n {Space} delete daemonset oncache-agent --cascade=orphan {Liveness.KubectlTimeout}");
        await cluster.KubectlAsync("apply", "-k", Path.Combine(s_config, "default"), "--validate=false");
        await StepAsync($"-n {Space} rollout restart daemonset/oncache-agent");
        await SuccessorsAsync();
        (await LinksAsync()).ShouldBe(links);

        async Task SuccessorsAsync()
        {
            await StepAsync($"-n {Space} rollout status daemonset/oncache-agent {Liveness.KubectlTimeout}");
            foreach (var node in cluster.Kubernetes.Nodes)
            {
                await InstalledCluster.UntilAsync(node, static status => status.Ready, "ready");
            }

            await cluster.UntilAcceleratedAsync(conversation);
        }

        // A pin that was made anew is another file.
        async Task<string> LinksAsync()
        {
            var found = await Task.WhenAll(cluster.Kubernetes.Nodes.Select(node => node.RunCommandAsync(
                "find", ["/sys/fs/bpf/oncache/links", "-type", "f", "-printf", "%i %p\\n"], cancellationToken: TestContext.Current.CancellationToken)));
            return string.Join('\n', found.SelectMany(static node => node.EnsureSuccess().Output.Split('\n')).Order(StringComparer.Ordinal)).Trim();
        }
    }

    [Fact]
    public async Task Agents_that_cannot_know_that_they_are_removed_leave_nothing_that_acts_and_undeploy_takes_the_rest()
    {
        await using var policy = new TrialPolicy(cluster);
        await policy.ApplyAsync("{}");
        await using var conversation = await TcpConversation.OpenAsync(cluster.Client, cluster.Server);
        await cluster.UntilAcceleratedAsync(conversation);
        using var observed = new PinnedHits(Replicas.BpfRootOf(await replicas.AgentAsync(cluster.Kubernetes.Nodes[1])));

        await StepAsync($"-n {Space} delete rolebinding oncache-agent");
        await StepAsync($"-n {Space} delete daemonset oncache-agent {Liveness.KubectlTimeout}");
        await StepAsync($"-n {Space} wait --for=delete pods -l app.kubernetes.io/name=oncache-agent {Liveness.KubectlTimeout}");
        await Eventually.ReadsAsync(
            async () =>
            {
                var before = observed.Read();
                await conversation.ExchangeAsync(4);
                return observed.Read() - before;
            },
            static grown => grown == default,
            "no hits without an agent");
        (await FootprintAsync(cluster.Kubernetes.Nodes[0])).ShouldContain("/sys/fs/bpf/oncache");

        await UndeployAsync();
        (await LeftAsync()).ShouldBeEmpty();
        foreach (var node in cluster.Kubernetes.Nodes)
        {
            (await FootprintAsync(node)).ShouldBe("liberal 0");
        }

        await conversation.ExchangeAsync(4);
    }

    /// <summary>Runs kubectl with these arguments, a folder of the checkout among them.</summary>
    private async Task StepAsync(string step) => _ = await cluster.KubectlAsync([.. step.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Select(static word => word.StartsWith("config/", StringComparison.Ordinal) ? Path.Combine(InstalledCluster.Root, word) : word)]);

    private async Task RestartApiAsync()
    {
        await cluster.Kubernetes.ControlPlane.KillApiServerAsync(TestContext.Current.CancellationToken);
        await cluster.Kubernetes.ControlPlane.StartApiServerAsync(CancellationToken.None);
    }

    // The API server is reached from the cluster's own networks alone.
    private async Task UndeployAsync() => _ = (await NetworkNamespace.RunCommandAsync(
        cluster.Kubernetes.Nodes[0].Namespace,
        "env",
        [
            $"KUBECONFIG={cluster.Kubernetes.ControlPlane.AdminKubeconfig}",
            $"PATH={KubernetesComponents.OfThisMachine().ProgramFolder}:{Environment.GetEnvironmentVariable("PATH")}",
            Path.Combine(InstalledCluster.Root, "eng", "undeploy.sh"),
        ],
        cancellationToken: TestContext.Current.CancellationToken)).EnsureSuccess();

    /// <summary>What the API has of OnCache. Events pass by themselves, pods when kubelet has looked again.</summary>
    private async Task<string> LeftAsync() => string.Join('\n', (await cluster.KubectlAsync(
            "get", "namespaces,crds,clusterroles,clusterrolebindings,validatingwebhookconfigurations,daemonsets,deployments,roles,rolebindings,serviceaccounts",
            "-A", "-o", "name"))
        .Split('\n').Where(static name => name.Contains("oncache", StringComparison.Ordinal)));

    private async Task UntilCleanAsync()
    {
        foreach (var node in cluster.Kubernetes.Nodes)
        {
            await Eventually.ReadsAsync(() => FootprintAsync(node), static left => left == "liberal 0", $"{node.Name} clean", Eventually.Sparing);
        }
    }

    /// <summary>What an agent could have left on a node: what is pinned, programs of ours on devices, the setting of conntrack.</summary>
    private static async Task<string> FootprintAsync(ClusterNode node)
    {
        var pins = await node.RunCommandAsync("find", ["/sys/fs/bpf", "-mindepth", "1"], cancellationToken: TestContext.Current.CancellationToken);
        return string.Join('\n', NetworkNamespace.Run(node.Namespace, () => (string[])
        [
            // The file system comes with two files of its own.
            .. pins.EnsureSuccess().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(static path => !path.EndsWith(".debug", StringComparison.Ordinal)),
            .. Footprint.Programs().Where(static line => line.Contains("oncache", StringComparison.Ordinal)),
            $"liberal {File.ReadAllText("/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal").Trim()}",
        ]));
    }
}
