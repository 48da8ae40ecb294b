using System.Globalization;
using System.Net;
using System.Text.Json;
using OnCache.Lab.Bench;
using OnCache.Lab.Cluster;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Demo.Cluster;

/// <summary>Two pods with the traffic generator on the overlay and two on the nodes' own network, a client and a server of each.</summary>
internal sealed class TrafficPods(KubernetesCluster cluster)
{
    public const string Namespace = "oncache-demo";

    // Off the ports that anything of the cluster uses on the nodes.
    private const int HostPort = 17000;
    private const int PodPort = 7000;

    private IPAddress? server;

    /// <summary>The pods' manifests.</summary>
    /// <param name="first">The client's node.</param>
    /// <param name="second">The server's node.</param>
    public static string Manifest(string first, string second) => $$"""
        apiVersion: v1
        kind: Namespace
        metadata: {name: {{Namespace}}}
        ---
        {{Pod("client", first, hostNetwork: false)}}
        ---
        {{Pod("server", second, hostNetwork: false)}}
        ---
        {{Pod("host-client", first, hostNetwork: true)}}
        ---
        {{Pod("host-server", second, hostNetwork: true)}}
        """;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var (first, second) = (cluster.Nodes[0].Name, cluster.Nodes[1].Name);
        (await cluster.KubectlAsync(["apply", "-f", "-"], Manifest(first, second), cancellationToken)).EnsureSuccess();
        (await cluster.KubectlAsync(["-n", Namespace, "wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s"], cancellationToken: cancellationToken)).EnsureSuccess();
        var address = (await cluster.KubectlAsync(["-n", Namespace, "get", "pod", "server", "-o", "jsonpath={.status.podIP}"], cancellationToken: cancellationToken)).EnsureSuccess().Output;
        server = IPAddress.Parse(address.Trim());
    }

    public Task<Sample> PodToPodAsync(string metric, double seconds, int core, CancellationToken cancellationToken) =>
        MeasureAsync("client", server!, PodPort, metric, seconds, core, cancellationToken);

    public Task<Sample> HostToHostAsync(string metric, double seconds, int core, CancellationToken cancellationToken) =>
        MeasureAsync("host-client", cluster.Nodes[1].Address, HostPort, metric, seconds, core, cancellationToken);

    private async Task<Sample> MeasureAsync(
        string client, IPAddress to, int port, string metric, double seconds, int core, CancellationToken cancellationToken)
    {
        var run = await cluster.KubectlAsync(
            [
                "-n", Namespace, "exec", client, "--", "/usr/bin/oncache-lab", "traffic", "run", "--kind", metric, "--to", to.ToString(),
                "--port", port.ToString(CultureInfo.InvariantCulture), "--seconds", seconds.ToString("F2", CultureInfo.InvariantCulture),
                "--core", core.ToString(CultureInfo.InvariantCulture),
            ],
            cancellationToken: cancellationToken);
        var result = JsonSerializer.Deserialize(run.EnsureSuccess().Output, TrafficJson.Default.TrafficResult)!;
        return new Sample(result.Rate, result.Gbps, result.P50Microseconds, result.CpuMicrosecondsPerTransaction);
    }

    private static string Pod(string name, string node, bool hostNetwork)
    {
        var port = hostNetwork ? HostPort : PodPort;
        return $$$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: {{{name}}}, namespace: {{{Namespace}}}, labels: {app: "{{{name}}}" }}
            spec:
              nodeName: {{{node}}}
              hostNetwork: {{{(hostNetwork ? "true" : "false")}}}
              automountServiceAccountToken: false
              terminationGracePeriodSeconds: 1
              containers:
              - name: traffic
                image: oncache.io/oncache-lab:0.1.0
                imagePullPolicy: Never
                # For receive buffers larger than the node's default limit.
                securityContext: {capabilities: {add: [NET_ADMIN]}}
                args: [traffic, server, --bind, 0.0.0.0, --port, "{{{port}}}"]
            """;
    }
}
