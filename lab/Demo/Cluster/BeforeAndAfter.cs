using System.Diagnostics;
using OnCache.Lab.Bench;

namespace OnCache.Lab.Demo.Cluster;

/// <summary>What the demonstration shows in a cluster that has OnCache: traffic without a policy, the policy, traffic with it, and the proof.</summary>
/// <param name="policy">Selects the pods of <see cref="TrafficPods"/> and no others of the cluster.</param>
internal sealed class BeforeAndAfter(Kubectl kubectl, OnCacheInstallation installation, TrafficPods pods, TrafficPlaces places, DemoPolicy policy, DemoConsole screen)
{
    public const double SliceSeconds = 0.4;
    private const double WarmUpSeconds = 0.1;
    private static readonly string[] Metrics = ["tcp-rr", "udp-rr", "udp-stream", "tcp-stream"];
    private static readonly string[] Variants = [DemoVariant.Host, DemoVariant.Overlay, DemoVariant.OnCache];

    /// <summary>Runs all of it with the pods up.</summary>
    /// <param name="rounds">How often every slice is repeated.</param>
    /// <returns>The table's rows, and the packets of both nodes by path.</returns>
    /// <exception cref="LabException">The status of the policy is not true, an agent counted no hits of the traffic, or a step failed.</exception>
    public async Task<(IReadOnlyList<ComparisonRow> Rows, FastPathUse Use)> RunAsync(int rounds, CancellationToken cancellationToken)
    {
        var comparison = new Comparison();
        screen.Step($"measuring without a policy: {string.Join(", ", Metrics)}, {rounds} rounds");
        for (var round = 1; round <= rounds; round++)
        {
            Add(comparison, round, DemoVariant.Overlay, await pods.PodToPodAsync(Metrics, SliceSeconds, cancellationToken));
        }

        screen.Step($"kubectl apply -f {policy.ShownAs}");
        await kubectl.ApplyAsync(policy.File, cancellationToken);
        await ProveStatusAsync(cancellationToken);

        // Not measured: new flows are learned from their first packets on.
        await pods.PodToPodAsync(Metrics, WarmUpSeconds, cancellationToken);
        var before = await CountersAsync(cancellationToken);
        screen.Step($"measuring with the policy, and host to host, {rounds} rounds");
        for (var round = 1; round <= rounds; round++)
        {
            Add(comparison, round, DemoVariant.Host, await pods.HostToHostAsync(Metrics, SliceSeconds, cancellationToken));
            Add(comparison, round, DemoVariant.OnCache, await pods.PodToPodAsync(Metrics, SliceSeconds, cancellationToken));
        }

        var after = await CountersAsync(cancellationToken);
        var rows = comparison.Rows().OrderBy(row => Array.IndexOf(Metrics, row.Metric)).ThenBy(row => Array.IndexOf(Variants, row.Variant)).ToArray();
        await ShowAsync(rows, cancellationToken);
        var use = after.Select((counters, index) => counters.Since(before[index])).ToArray();
        ProveFastPath(use);
        return (rows, new FastPathUse(use.Sum(counters => counters.Use.Hits), use.Sum(counters => counters.Use.Misses)));
    }

    private static void Add(Comparison comparison, int round, string variant, IReadOnlyList<Sample> samples)
    {
        foreach (var (metric, sample) in Metrics.Zip(samples))
        {
            comparison.Add(round, metric, variant, sample);
        }
    }

    /// <summary>Waits until the policy's conditions and counts are what they should be.</summary>
    private async Task ProveStatusAsync(CancellationToken cancellationToken)
    {
        var nodes = (await kubectl.GetAsync(["nodes", "-l", "kubernetes.io/os=linux"], cancellationToken)).GetProperty("items").GetArrayLength();
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var status = await kubectl.GetAsync(["ocp", policy.Name], cancellationToken);
            if (PolicyVerdict.Objection(status, nodes, TrafficPods.OnTheOverlay) is not { } objection)
            {
                screen.Step(FormattableString.Invariant(
                    $"Accepted, Programmed and Ready, {nodes} nodes and {TrafficPods.OnTheOverlay} pods, {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s after it was applied"));
                return;
            }

            if (Stopwatch.GetElapsedTime(started) > Liveness.Limit)
            {
                throw new LabException($"policy {policy.Name} after {Liveness.Limit.TotalSeconds} s: {objection}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
        }
    }

    private async Task ShowAsync(ComparisonRow[] rows, CancellationToken cancellationToken)
    {
        foreach (var command in (string[])["get ocp,ncc", $"describe ocp {policy.Name}"])
        {
            screen.Say("");
            screen.Say($"$ kubectl {command}");
            screen.Say(await kubectl.RunAsync(command.Split(' '), cancellationToken));
        }

        screen.Say("");
        screen.Show(rows);
    }

    private void ProveFastPath(IReadOnlyList<AgentCounters> use)
    {
        foreach (var agent in use)
        {
            screen.Say(FormattableString.Invariant(
                $"agent of {agent.Node}: {agent.Use.Hits} packets on the fast path, {agent.Use.Misses} not, hit ratio {agent.Use.Ratio:F4}; {agent.Pod}: {agent.Hits.Egress} out, {agent.Hits.Ingress} in"));
        }

        foreach (var agent in use)
        {
            var objection = agent.Use.Objection ?? (agent.Hits is { Egress: > 0, Ingress: > 0 } ? null : $"no packet of {agent.Pod} took the fast path in one of its directions");
            if (objection is not null)
            {
                throw new LabException($"agent of {agent.Node}: {objection}");
            }
        }
    }

    /// <summary>What the agents of the two nodes count, of all and of the demonstration's own pod.</summary>
    private async Task<IReadOnlyList<AgentCounters>> CountersAsync(CancellationToken cancellationToken)
    {
        var agents = await installation.AgentsAsync(cancellationToken);
        var counters = new List<AgentCounters>();
        foreach (var (node, pod) in (IEnumerable<(string, string)>)[(places.Client, TrafficPods.Client), (places.Server, TrafficPods.Server)])
        {
            var agent = agents.FirstOrDefault(agent => agent.Node == node) ?? throw new LabException($"node {node} has no agent");
            var status = await installation.StatusAsync(agent, cancellationToken);
            var totals = AgentProcess.Parse(status);
            counters.Add(new AgentCounters(node, pod, new FastPathUse(totals.Hits, totals.Misses), PodHits.Parse(status, TrafficPods.Namespace, pod)));
        }

        return counters;
    }

    private sealed record AgentCounters(string Node, string Pod, FastPathUse Use, PodHits Hits)
    {
        public AgentCounters Since(AgentCounters before) => this with
        {
            Use = Use - before.Use,
            Hits = new PodHits(Hits.Egress - before.Hits.Egress, Hits.Ingress - before.Hits.Ingress),
        };
    }
}

/// <summary>A policy in a file.</summary>
/// <param name="Name">Of the object.</param>
/// <param name="ShownAs">The file as the user sees it.</param>
internal sealed record DemoPolicy(string Name, string File, string ShownAs);
