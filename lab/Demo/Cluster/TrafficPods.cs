using System.Globalization;
using System.Net;
using System.Text.Json;
using OnCache.Lab.Bench;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Demo.Cluster;

/// <summary>Where the traffic runs.</summary>
/// <param name="Client">The client's node.</param>
/// <param name="Server">The server's node.</param>
/// <param name="ServerAddress">The address of the server's node.</param>
/// <param name="Core">The core that both sides run on, on their nodes.</param>
internal sealed record TrafficPlaces(string Client, string Server, IPAddress ServerAddress, int Core);

/// <summary>Two pods with the traffic generator on the overlay and two on the nodes' own network, a client and a server of each.</summary>
internal sealed class TrafficPods(Kubectl kubectl, TrafficPlaces places)
{
    public const string Namespace = "oncache-demo";
    public const string Client = "client";
    public const string Server = "server";

    /// <summary>Pods of the namespace that are on the overlay.</summary>
    public const int OnTheOverlay = 2;

    // Off the ports that anything of the cluster uses on the nodes.
    private const int HostPort = 17000;
    private const int PodPort = 7000;
    private const string Image = "oncache.io/oncache-lab:0.1.0";

    private IPAddress? server;

    /// <summary>The pods' manifests.</summary>
    /// <param name="first">The client's node.</param>
    /// <param name="second">The server's node.</param>
    public static string Manifest(string first, string second) => $$"""
        apiVersion: v1
        kind: Namespace
        metadata: {name: {{Namespace}}, labels: {pod-security.kubernetes.io/enforce: privileged} }
        ---
        {{Pod(Client, first, hostNetwork: false)}}
        ---
        {{Pod(Server, second, hostNetwork: false)}}
        ---
        {{Pod("host-client", first, hostNetwork: true)}}
        ---
        {{Pod("host-server", second, hostNetwork: true)}}
        """;

    public Task ApplyAsync(CancellationToken cancellationToken) => kubectl.ApplyTextAsync(Manifest(places.Client, places.Server), cancellationToken);

    /// <summary>Waits until they run.</summary>
    /// <exception cref="LabException">One does not; says why.</exception>
    public async Task WaitAsync(DemoConsole screen, CancellationToken cancellationToken)
    {
        screen.Step("waiting for the traffic's pods: a client and a server, on the overlay and on the nodes' network");
        var wait = await kubectl.TryAsync(["-n", Namespace, "wait", "--for=condition=Ready", "pod", "--all", "--timeout=90s"], cancellationToken);
        if (wait.ExitCode != 0)
        {
            var pods = await kubectl.GetAsync(["pods", "-n", Namespace], cancellationToken);
            throw new LabException($"the demonstration's pods do not become ready: {OnCacheInstallation.WhyNot(pods) ?? wait.Error.Trim()}");
        }

        server = IPAddress.Parse(await kubectl.RunAsync(["-n", Namespace, "get", "pod", Server, "-o", "jsonpath={.status.podIP}"], cancellationToken));
    }

    public Task RemoveAsync(CancellationToken cancellationToken) =>
        kubectl.RunAsync(["delete", "namespace", Namespace, "--ignore-not-found", "--timeout=180s"], cancellationToken);

    /// <summary>Runs the metrics one after the other, and returns a sample of each.</summary>
    public Task<IReadOnlyList<Sample>> PodToPodAsync(IReadOnlyList<string> metrics, double seconds, CancellationToken cancellationToken) =>
        MeasureAsync(Client, server!, PodPort, metrics, seconds, cancellationToken);

    /// <inheritdoc cref="PodToPodAsync"/>
    public Task<IReadOnlyList<Sample>> HostToHostAsync(IReadOnlyList<string> metrics, double seconds, CancellationToken cancellationToken) =>
        MeasureAsync("host-client", places.ServerAddress, HostPort, metrics, seconds, cancellationToken);

    /// <summary>One flow at a steady rate from the client's pod, until the token is cancelled.</summary>
    public Task FlowAsync(string kind, int rate, CancellationToken cancellationToken) => RunAsync(
        Client, server!, PodPort, [kind], TrafficRequest.MaxSeconds, ["--rate", rate.ToString(CultureInfo.InvariantCulture)], cancellationToken);

    // In one call of kubectl: starting the program in the pod takes longer than a slice.
    private async Task<IReadOnlyList<Sample>> MeasureAsync(
        string client, IPAddress to, int port, IReadOnlyList<string> metrics, double seconds, CancellationToken cancellationToken)
    {
        string[] core = ["--core", places.Core.ToString(CultureInfo.InvariantCulture)];
        var output = await RunAsync(client, to, port, metrics, seconds, core, cancellationToken);
        return
        [
            .. output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonSerializer.Deserialize(line, TrafficJson.Default.TrafficResult)!)
                .Select(result => new Sample(result.Rate, result.Gbps, result.P50Microseconds, result.CpuMicrosecondsPerTransaction)),
        ];
    }

    private Task<string> RunAsync(
        string client, IPAddress to, int port, IReadOnlyList<string> metrics, double seconds, string[] more, CancellationToken cancellationToken) =>
        kubectl.RunAsync(
            [
                "-n", Namespace, "exec", client, "--", "/usr/bin/oncache-lab", "traffic", "run", "--kind", string.Join(',', metrics),
                "--to", to.ToString(), "--port", port.ToString(CultureInfo.InvariantCulture),
                "--seconds", seconds.ToString("F2", CultureInfo.InvariantCulture), .. more,
            ],
            cancellationToken);

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
                image: {{{Image}}}
                imagePullPolicy: IfNotPresent
                # For receive buffers larger than the node's default limit.
                securityContext: {capabilities: {add: [NET_ADMIN]}}
                args: [traffic, server, --bind, 0.0.0.0, --port, "{{{port}}}"]
            """;
    }
}
