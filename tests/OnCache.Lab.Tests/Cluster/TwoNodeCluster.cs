using OnCache.Lab.Cluster;
using OnCache.Lab.Cluster.Components;
using OnCache.Lab.Cluster.Nodes;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Tests.Cluster;

/// <summary>One cluster of two nodes with a web server on each behind a Service, for the tests that leave it as they found it.</summary>
public sealed class TwoNodeCluster : IAsyncLifetime
{
    public const string BpfFolder = "/sys/fs/bpf";
    private const string Web = """
        apiVersion: apps/v1
        kind: DaemonSet
        metadata: { name: web }
        spec:
          selector: { matchLabels: { app: web } }
          template:
            metadata: { labels: { app: web } }
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - name: web
                image: oncache.io/busybox:1
                imagePullPolicy: Never
                command: [sh, -c, "hostname >/tmp/index.html; exec httpd -f -p 8080 -h /tmp"]
                readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 }
                volumeMounts: [{ name: bpf, mountPath: /sys/fs/bpf }]
              volumes: [{ name: bpf, hostPath: { path: /sys/fs/bpf, type: Directory } }]
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: web }
        spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
        """;

    private KubernetesCluster? cluster;

    /// <summary>What the machine's own settings were before there was a cluster.</summary>
    public IReadOnlyDictionary<string, string> MachineSettings { get; private set; } = ReadMachineSettings();

    internal async Task<KubernetesCluster> ClusterAsync()
    {
        await LiveCluster.RequireAsync(ComponentSet.All);
        return cluster!;
    }

    public async ValueTask InitializeAsync()
    {
        if (await LiveCluster.WhyNotAsync(ComponentSet.All) is not null)
        {
            return;
        }

        MachineSettings = ReadMachineSettings();
        cluster = await KubernetesCluster.UpAsync(new ClusterOptions(), cancellationToken: TestContext.Current.CancellationToken);
        (await KubectlAsync(["apply", "-f", "-"], Web)).EnsureSuccess();
        (await KubectlAsync(["rollout", "status", "daemonset/web", Liveness.KubectlTimeout])).EnsureSuccess();
    }

    public async ValueTask DisposeAsync()
    {
        if (cluster is not null)
        {
            await cluster.DisposeAsync();
        }
    }

    /// <summary>The web server's pod on a node.</summary>
    internal Task<string> PodAsync(ClusterNode node) => FieldAsync(node, "{.items[0].metadata.name}");

    internal Task<string> PodAddressAsync(ClusterNode node) => FieldAsync(node, "{.items[0].status.podIP}");

    internal async Task<CommandResult> InPodAsync(ClusterNode node, params string[] command) =>
        await KubectlAsync(["exec", await PodAsync(node), "--", .. command]);

    internal static IReadOnlyDictionary<string, string> ReadMachineSettings() =>
        ((string[])["vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys"])
            .Where(key => File.Exists($"/proc/sys/{key}"))
            .ToDictionary(key => key, key => File.ReadAllText($"/proc/sys/{key}"), StringComparer.Ordinal);

    private async Task<string> FieldAsync(ClusterNode node, string path)
    {
        var pods = await KubectlAsync(["get", "pods", "-l", "app=web", "--field-selector", $"spec.nodeName={node.Name}", "-o", $"jsonpath={path}"]);
        return pods.EnsureSuccess().Output.Trim();
    }

    private Task<CommandResult> KubectlAsync(string[] arguments, string? input = null) =>
        cluster!.KubectlAsync(arguments, input, TestContext.Current.CancellationToken);
}
