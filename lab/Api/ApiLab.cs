using System.Diagnostics;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Configuration;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Serialization;
using OnCache.Lab.Cluster.Control;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Api;

/// <summary>
/// The overlay lab with a real API server: etcd and kube-apiserver, our operator, and an agent on each node that is told what to do by the
/// API. No kubelets: pods are network namespaces of the lab, made and ended in step with their objects by <see cref="Pods"/>.
/// </summary>
/// <remarks>It has no pods at first. Disposing it ends all processes and leaves nothing.</remarks>
public sealed class ApiLab : IAsyncDisposable
{
    internal const string Home = "oncache-system";
    private readonly List<IAsyncDisposable> parts = [];

    private ApiLab(OverlayLab overlay, ControlPlane api, KubernetesClient client, ApiOperator manager)
    {
        Overlay = overlay;
        Api = api;
        Client = client;
        Operator = manager;
        Pods = new ApiPods(client);
    }

    public OverlayLab Overlay { get; }

    public ControlPlane Api { get; }

    /// <summary>An administrator's client; past the gates.</summary>
    public IKubernetesClient Client { get; }

    public ApiOperator Operator { get; }

    /// <summary>One for each node, in the nodes' order.</summary>
    public IReadOnlyList<ApiAgent> Agents { get; private set; } = [];

    public ApiPods Pods { get; }

    /// <summary>Brings everything up and waits until every agent follows the policy, which covers all namespaces but kube-system.</summary>
    /// <exception cref="LabException">Not root, a program is missing, or a part did not come up; says which.</exception>
    public static async Task<ApiLab> UpAsync(ApiLabOptions options, IProgress<string>? stages = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        OverlayLab.RequireRoot();
        stages?.Report("API server");

        // Nobody makes service accounts here.
        var api = await ControlPlane.StartAsync(
            new ControlPlaneOptions { Name = options.Name, ApiServerArguments = ["--disable-admission-plugins", "ServiceAccount"] }, cancellationToken);
        ApiLab? lab = null;
        OverlayLab? overlay = null;
        try
        {
            stages?.Report("overlay");
            overlay = await OverlayLab.UpAsync(new() { Name = options.Name, Nodes = options.Nodes }, cancellationToken: cancellationToken);
            foreach (var node in overlay.Nodes)
            {
                await node.DeletePodAsync(node.Pods[0], cancellationToken);
            }

            var client = new KubernetesClient(
                ClusterAccess.FromFile(api.AdminKubeconfig), new KubernetesClientSettings("oncache-lab"));
            lab = new ApiLab(overlay, api, client, new ApiOperator(options.Operator, overlay.Name, api.AdminKubeconfig));
            await lab.BeginAsync(options, stages, cancellationToken);
            return lab;
        }
        catch
        {
            if (lab is not null)
            {
                await lab.DisposeAsync();
            }
            else
            {
                if (overlay is not null)
                {
                    await overlay.DisposeAsync();
                }

                await api.DisposeAsync();
            }

            throw;
        }
    }

    public Task CreateNamespaceAsync(string name, IReadOnlyDictionary<string, string> labels, CancellationToken cancellationToken = default) =>
        Client.CreateAsync(new V1Namespace { Metadata = new V1ObjectMeta { Name = name, Labels = labels } }, cancellationToken);

    /// <summary>Changes labels of a namespace; null takes one away.</summary>
    public Task LabelNamespaceAsync(string name, IReadOnlyDictionary<string, string?> labels, CancellationToken cancellationToken = default) =>
        Client.PatchAsync<V1Namespace>(NamespacedName.ClusterScoped(name), ApiPods.LabelPatch(labels), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        foreach (var part in Enumerable.Reverse(parts))
        {
            await part.DisposeAsync();
        }

        await Operator.DisposeAsync();
        (Client as IDisposable)?.Dispose();
        await Overlay.DisposeAsync();
        await Api.DisposeAsync();
    }

    private async Task BeginAsync(ApiLabOptions options, IProgress<string>? stages, CancellationToken cancellationToken)
    {
        stages?.Report("operator");
        await KubectlAsync(["create", "namespace", Home], null, cancellationToken);

        // kube-apiserver's own description of a definition does not know of CEL, and kubectl would refuse what it drops.
        await KubectlAsync(["apply", "--validate=false", "-k", options.Definitions], null, cancellationToken);
        await KubectlAsync(
            ["wait", "--for=condition=Established", Liveness.KubectlTimeout, "crd/overlaycachepolicies.oncache.io", "crd/nodecacheconfigs.oncache.io"], null, cancellationToken);
        await KubectlAsync(["create", "-f", "-"], string.Join("---\n", Overlay.Nodes.Select(Manifest)), cancellationToken);
        await KubectlAsync(["create", "-f", "-"], Policy(options), cancellationToken);
        Operator.Start();

        stages?.Report("agents");
        var agents = new List<ApiAgent>();
        foreach (var node in Overlay.Nodes)
        {
            var gate = ApiGate.Open(node, Api.Server);
            parts.Add(gate);
            var agent = new ApiAgent(options, Overlay, node, gate, Api.AdminKubeconfig);
            parts.Add(agent);
            agents.Add(agent);
            agent.Start();
        }

        Agents = agents;
        await WaitForConfigsAsync(cancellationToken);
        foreach (var agent in agents)
        {
            await agent.WaitReadyAsync(cancellationToken);
        }
    }

    private async Task WaitForConfigsAsync(CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var found = await Api.KubectlAsync(["get", "nodecacheconfigs.oncache.io", "-o", "name"], cancellationToken: cancellationToken);
            if (found.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length == Overlay.Nodes.Count)
            {
                return;
            }

            if (Stopwatch.GetElapsedTime(started) > Liveness.Limit)
            {
                throw new LabException($"oncache-operator: no NodeCacheConfig for each of {Overlay.Nodes.Count} nodes after {Liveness.Limit.TotalSeconds} s: {Operator.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault()}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), cancellationToken);
        }
    }

    private async Task KubectlAsync(string[] arguments, string? input, CancellationToken cancellationToken) =>
        (await Api.KubectlAsync(arguments, input, cancellationToken)).EnsureSuccess();

    private static string Manifest(LabNode node) => $$"""
        apiVersion: v1
        kind: Node
        metadata: { name: {{node.Name}}, labels: { kubernetes.io/os: linux, kubernetes.io/hostname: {{node.Name}} } }
        spec: { podCIDR: {{node.PodCidr}}, podCIDRs: [ {{node.PodCidr}} ] }

        """;

    private static string Policy(ApiLabOptions options) => $$"""
        apiVersion: oncache.io/v1alpha1
        kind: OverlayCachePolicy
        metadata: { name: everything }
        spec: { lease: {{GoDuration.Format(options.Lease)}}, settle: {{GoDuration.Format(options.Settle)}}, cacheSizes: { filter: {{options.FilterCache}} } }

        """;
}
