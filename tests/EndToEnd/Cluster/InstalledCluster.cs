using System.Text.Json;
using OnCache.Agent.Telemetry;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab;
using OnCache.Lab.Cluster;
using OnCache.Lab.Cluster.Components;
using OnCache.Lab.Cluster.Nodes;

namespace OnCache.EndToEnd.Cluster;

/// <summary>The tests that share the cluster, one after another.</summary>
[CollectionDefinition(Name)]
public sealed class ClusterTests : ICollectionFixture<InstalledCluster>
{
    public const string Name = "cluster";
}

/// <summary>
/// A real Kubernetes of two nodes with OnCache installed from its images and manifests, and a client and a server pod in each of two
/// namespaces. The traffic between them comes from sockets that are made inside the pods.
/// </summary>
public sealed class InstalledCluster : IAsyncLifetime
{
    /// <summary>Where the operator and the agents run.</summary>
    public const string OwnNamespace = "oncache-system";

    /// <summary>The pods that policies are made for; its label is <c>tier=gold</c>.</summary>
    public const string Home = "talk";

    /// <summary>Pods that run beside them.</summary>
    public const string Elsewhere = "elsewhere";

    private readonly Dictionary<string, (ClusterPod Client, ClusterPod Server)> pods = new(StringComparer.Ordinal);
    private KubernetesCluster? cluster;
    private string? obstacle;

    /// <summary>The checkout that the tests were built from.</summary>
    public static string Root { get; } = FindRoot();

    internal bool IsUp => cluster is not null;

    internal KubernetesCluster Kubernetes => cluster!;

    internal ClusterPod Client => pods[Home].Client;

    internal ClusterPod Server => pods[Home].Server;

    internal (ClusterPod Client, ClusterPod Server) Bystanders => pods[Elsewhere];

    public async ValueTask InitializeAsync()
    {
        obstacle = await WhyNotAsync();
        if (obstacle is not null)
        {
            return;
        }

        var options = new ClusterOptions { Images = [ImageOf("oncache-agent"), ImageOf("oncache-operator")] };
        cluster = await KubernetesCluster.UpAsync(options, cancellationToken: TestContext.Current.CancellationToken);
        try
        {
            await InstallAsync();
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (cluster is not null)
        {
            await cluster.DisposeAsync();
            cluster = null;
        }
    }

    /// <summary>Skips the test where there is no cluster; otherwise no policy is in force and all of OnCache runs when it returns.</summary>
    internal async Task RequireAsync()
    {
        Assert.SkipWhen(obstacle is not null, obstacle ?? "");
        await KubectlAsync("-n", OwnNamespace, "rollout", "status", "deployment/oncache-operator", Liveness.KubectlTimeout);
        await KubectlAsync("-n", OwnNamespace, "rollout", "status", "daemonset/oncache-agent", Liveness.KubectlTimeout);
        await KubectlAsync("delete", "ocp", "--all", Liveness.KubectlTimeout);
        foreach (var node in Kubernetes.Nodes)
        {
            await UntilAsync(node, static status => status.Ready && status.Endpoints.All(static pod => pod.State == EndpointState.Disabled), "ready and idle");
        }
    }

    /// <summary>Runs kubectl, which must succeed; returns what it printed.</summary>
    internal async Task<string> KubectlAsync(params string[] arguments) =>
        (await Kubernetes.KubectlAsync(arguments, cancellationToken: TestContext.Current.CancellationToken)).EnsureSuccess().Output;

    /// <summary>As <see cref="KubectlAsync"/> for clean-up: also when the test is cancelled, and whether or not it succeeds.</summary>
    internal Task UndoAsync(params string[] arguments) => Kubernetes.KubectlAsync(arguments, cancellationToken: CancellationToken.None);

    /// <summary>Applies a manifest. This API server does not know CEL, and kubectl would refuse what the server drops.</summary>
    internal async Task ApplyAsync(string manifest) => _ = (await Kubernetes.KubectlAsync(
        ["apply", "--validate=false", "-f", "-"], manifest, TestContext.Current.CancellationToken)).EnsureSuccess();

    /// <summary>The status of a node's agent, asked over its socket.</summary>
    private static async Task<AgentStatus> StatusAsync(ClusterNode node)
    {
        using var client = new AgentClient(node.PathOf("/run/oncache/agent.sock"));
        var json = await client.StatusJsonAsync(TestContext.Current.CancellationToken);
        return JsonSerializer.Deserialize(json, AgentJson.Default.AgentStatus)!;
    }

    /// <summary>For a moment there may be nobody to ask: while other maps take the place of those in use.</summary>
    internal Task<AgentStatus> StatusOfAsync(ClusterPod pod) => UntilAsync(Kubernetes.Node(pod.Node), static _ => true, "can be asked");

    internal async Task<EndpointStatus> EndpointAsync(ClusterPod pod) => LabAgent.EndpointOf(await StatusOfAsync(pod), pod);

    /// <summary>Polls an agent's status, and outlives that there is none for a while.</summary>
    internal static async Task<AgentStatus> UntilAsync(ClusterNode node, Func<AgentStatus, bool> condition, string what) =>
        (await Eventually.ReadsAsync(
            async () =>
            {
                try
                {
                    return await StatusAsync(node);
                }
                catch (AgentUnreachableException)
                {
                    return null;
                }
            },
            status => status is not null && condition(status),
            $"agent of {node.Name} {what}"))!;

    /// <summary>Exchanges, and returns the growth of the hit counts at the client's and the server's pod.</summary>
    internal Task<FlowHits> CountAsync(IConversation conversation, int exchanges) => Eventually.ReadsAsync(
        async () =>
        {
            var before = await HitsAsync(conversation);
            await conversation.ExchangeAsync(exchanges);
            return await HitsAsync(conversation) - before;
        },
        // A pod that is given up meanwhile leaves its counts behind.
        static grown => grown is { Client.Both: >= 0, Server.Both: >= 0 },
        "counted without a pod given up meanwhile");

    /// <summary>Talks until the packets of a conversation are counted as <paramref name="expected"/>; none may be lost meanwhile.</summary>
    internal Task TalkUntilAsync(IConversation conversation, Func<FlowHits, int, bool> expected, string what)
    {
        const int Exchanges = 4;
        return Eventually.ReadsAsync(() => CountAsync(conversation, Exchanges), grown => expected(grown, Exchanges), $"{conversation}: {what}");
    }

    internal Task UntilAcceleratedAsync(IConversation conversation) =>
        TalkUntilAsync(conversation, static (grown, exchanges) => grown.AreAllOf(exchanges), "on the fast path");

    internal Task UntilPlainAsync(IConversation conversation) =>
        TalkUntilAsync(conversation, static (grown, _) => grown == default, "on the CNI's path");

    private async Task<FlowHits> HitsAsync(IConversation conversation) => new(
        Hits.Of(await EndpointAsync((ClusterPod)conversation.Client)), Hits.Of(await EndpointAsync((ClusterPod)conversation.Server)));

    private async Task InstallAsync()
    {
        await KubectlAsync("apply", "-k", Path.Combine(Root, "config", "default"), "--validate=false");
        await ApplyAsync(string.Join("\n---\n", Workload(Home, "gold"), Workload(Elsewhere, "grey")));
        foreach (var ns in (string[])[Home, Elsewhere])
        {
            await KubectlAsync("-n", ns, "wait", "--for=condition=Ready", "pod", "--all", Liveness.KubectlTimeout);
            pods[ns] = (await PodAsync("client"), await PodAsync("server"));

            Task<ClusterPod> PodAsync(string name) => Kubernetes.PodAsync(ns, name, TestContext.Current.CancellationToken);
        }
    }

    private string Workload(string ns, string tier) => $$"""
        apiVersion: v1
        kind: Namespace
        metadata: { name: {{ns}}, labels: { tier: {{tier}} } }
        ---
        {{Pod(ns, "client", Kubernetes.Nodes[0])}}
        ---
        {{Pod(ns, "server", Kubernetes.Nodes[1])}}
        """;

    private static string Pod(string ns, string name, ClusterNode node) => $$"""
        apiVersion: v1
        kind: Pod
        metadata: { name: {{name}}, namespace: {{ns}}, labels: { app: chat } }
        spec:
          nodeName: {{node.Name}}
          automountServiceAccountToken: false
          terminationGracePeriodSeconds: 0
          containers:
          - { name: idle, image: "oncache.io/busybox:1", imagePullPolicy: Never, command: [sleep, "86400"] }
        """;

    private static async Task<string?> WhyNotAsync()
    {
        if (!LiveLab.IsRoot)
        {
            return "needs root, to run Kubernetes and to load eBPF programs";
        }

        if (((string[])["oncache-agent", "oncache-operator"]).FirstOrDefault(program => !File.Exists(ImageOf(program))) is { } missing)
        {
            return $"needs {Path.GetRelativePath(Root, ImageOf(missing))}: run 'make images'";
        }

        try
        {
            await KubernetesComponents.OfThisMachine().EnsureAsync(ComponentSet.All, TestContext.Current.CancellationToken);
            return null;
        }
        catch (LabException exception)
        {
            return $"needs Kubernetes' components: {exception.Message}";
        }
    }

    private static string ImageOf(string program) => Path.Combine(Root, "artifacts", "images", $"{program}.tar");

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "OnCache.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException($"{AppContext.BaseDirectory} is not inside a checkout");
        }

        return folder.FullName;
    }
}
