using System.Diagnostics;
using System.Text.Json;
using OnCache.Lab.Bench;
using OnCache.Lab.Cluster;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Demo.Cluster;

/// <summary>
/// A real two-node Kubernetes, OnCache installed into it from its images and manifests, a policy applied, and traffic between
/// pods before and after.
/// </summary>
internal sealed class ClusterDemo(ClusterDemoOptions options, DemoConsole screen)
{
    private const string System = "oncache-system";
    private const string PolicyName = "everything";
    private const double SliceSeconds = 0.4;
    private static readonly string[] Metrics = ["tcp-rr", "udp-rr", "udp-stream", "tcp-stream"];

    /// <summary>Exit status 0, or 1 with the reason printed when the policy did not become ready or the fast path was not taken.</summary>
    /// <exception cref="LabException">The cluster did not come up, something could not be installed, or the traffic broke.</exception>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        options.Validate();
        var started = Stopwatch.GetTimestamp();
        screen.Say("a two-node Kubernetes cluster, built first where that was not done yet");
        await using var cluster = await KubernetesCluster.UpAsync(new ClusterOptions(), new Stages(screen, started), cancellationToken);
        screen.Say(Elapsed(started, "installing OnCache: kubectl apply -k config/default"));
        foreach (var program in (string[])["oncache-agent", "oncache-operator", "oncache-lab"])
        {
            await cluster.ImportImageAsync(options.ImageOf(program), cancellationToken);
        }

        await KubectlAsync(cluster, ["apply", "-k", options.Manifests, "--validate=false"], cancellationToken);
        await KubectlAsync(cluster, ["-n", System, "rollout", "status", "daemonset/oncache-agent", "--timeout=90s"], cancellationToken);
        await KubectlAsync(cluster, ["-n", System, "rollout", "status", "deployment/oncache-operator", "--timeout=90s"], cancellationToken);

        screen.Say(Elapsed(started, "four pods with the traffic generator: client and server, on the overlay and on the nodes' network"));
        var pods = new TrafficPods(cluster);
        await pods.StartAsync(cancellationToken);
        var comparison = new Comparison();
        screen.Say(Elapsed(started, "measuring without a policy"));
        await MeasureAsync(comparison, pods, DemoVariant.Overlay, cancellationToken);

        screen.Say(Elapsed(started, $"kubectl apply -f {Path.GetRelativePath(options.Root, options.Policy)}"));
        await KubectlAsync(cluster, ["apply", "-f", options.Policy, "--validate=false"], cancellationToken);
        await KubectlAsync(cluster, ["wait", "--for=condition=Ready", $"ocp/{PolicyName}", "--timeout=60s"], cancellationToken);
        // Not measured: new flows are learned from their first packets on.
        foreach (var metric in Metrics)
        {
            await pods.PodToPodAsync(metric, 0.1, options.Core, cancellationToken);
        }

        var before = await CountersAsync(cluster, cancellationToken);
        screen.Say(Elapsed(started, "measuring with the policy"));
        await MeasureAsync(comparison, pods, DemoVariant.OnCache, cancellationToken);
        var after = await CountersAsync(cluster, cancellationToken);

        await ShowAsync(cluster, comparison.Rows(), before, after, cancellationToken);
        screen.Say(Elapsed(started, "kubectl delete ocp " + PolicyName));
        await KubectlAsync(cluster, ["delete", "ocp", PolicyName, "--timeout=30s"], cancellationToken);
        screen.Say(Elapsed(started, "cleaning up"));
        return 0;
    }

    private async Task MeasureAsync(Comparison comparison, TrafficPods pods, string variant, CancellationToken cancellationToken)
    {
        for (var round = 1; round <= options.Rounds; round++)
        {
            foreach (var metric in Metrics)
            {
                var host = await pods.HostToHostAsync(metric, SliceSeconds, options.Core, cancellationToken);
                // Host to host is measured beside both, and shown as it was beside OnCache.
                if (variant == DemoVariant.OnCache)
                {
                    comparison.Add(round, metric, DemoVariant.Host, host);
                }

                comparison.Add(round, metric, variant, await pods.PodToPodAsync(metric, SliceSeconds, options.Core, cancellationToken));
            }
        }
    }

    private async Task ShowAsync(
        KubernetesCluster cluster,
        IReadOnlyList<ComparisonRow> rows,
        Dictionary<string, FastPathUse> before,
        Dictionary<string, FastPathUse> after,
        CancellationToken cancellationToken)
    {
        screen.Say("");
        screen.Say("$ kubectl get ocp,ncc");
        screen.Say((await KubectlAsync(cluster, ["get", "ocp,ncc"], cancellationToken)).Output.TrimEnd());
        screen.Say("");
        screen.Say($"$ kubectl describe ocp {PolicyName}");
        screen.Say((await KubectlAsync(cluster, ["describe", "ocp", PolicyName], cancellationToken)).Output.TrimEnd());
        screen.Say("");
        screen.Show([.. rows.OrderBy(row => Array.IndexOf(Metrics, row.Metric)).ThenBy(row => Array.IndexOf(s_variants, row.Variant))]);
        foreach (var (agent, use) in after)
        {
            var grown = new FastPathUse(use.Hits - before[agent].Hits, use.Misses - before[agent].Misses);
            screen.Say(FormattableString.Invariant($"agent of {agent}: {grown.Hits} packets on the fast path, {grown.Misses} not, hit ratio {grown.Ratio:F4}"));
            if (grown.Objection is { } objection)
            {
                throw new LabException($"agent of {agent}: {objection}");
            }
        }

        if (options.JsonPath is { } path)
        {
            var kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
            var total = new FastPathUse(after.Values.Sum(use => use.Hits) - before.Values.Sum(use => use.Hits), after.Values.Sum(use => use.Misses) - before.Values.Sum(use => use.Misses));
            var result = new DemoResult(kernel, cluster.Mtu, options.Core, options.Rounds, SliceSeconds, rows, total);
            File.WriteAllText(path, JsonSerializer.Serialize(result, DemoJson.Default.DemoResult) + "\n");
        }
    }

    private static readonly string[] s_variants = [DemoVariant.Host, DemoVariant.Overlay, DemoVariant.OnCache];

    /// <summary>The counters of the agents, by node.</summary>
    private static async Task<Dictionary<string, FastPathUse>> CountersAsync(KubernetesCluster cluster, CancellationToken cancellationToken)
    {
        var listed = await KubectlAsync(
            cluster,
            ["-n", System, "get", "pods", "-l", "app.kubernetes.io/name=oncache-agent", "-o", "jsonpath={range .items[*]}{.metadata.name} {.spec.nodeName}{\"\\n\"}{end}"],
            cancellationToken);
        var counters = new Dictionary<string, FastPathUse>(StringComparer.Ordinal);
        foreach (var line in listed.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var (pod, node) = (line.Split(' ')[0], line.Split(' ')[1]);
            var status = await KubectlAsync(cluster, ["-n", System, "exec", pod, "--", "/usr/bin/oncache-agent", "status", "-o", "json"], cancellationToken);
            var parsed = AgentProcess.Parse(status.Output);
            counters.Add(node, new FastPathUse(parsed.Hits, parsed.Misses));
        }

        return counters;
    }

    private static async Task<CommandResult> KubectlAsync(KubernetesCluster cluster, string[] arguments, CancellationToken cancellationToken) =>
        (await cluster.KubectlAsync(arguments, cancellationToken: cancellationToken)).EnsureSuccess();

    private static string Elapsed(long started, string text) =>
        FormattableString.Invariant($"[{Stopwatch.GetElapsedTime(started).TotalSeconds,5:F1} s] {text}");

    private sealed class Stages(DemoConsole screen, long started) : IProgress<string>
    {
        public void Report(string value) => screen.Say(Elapsed(started, value));
    }
}
