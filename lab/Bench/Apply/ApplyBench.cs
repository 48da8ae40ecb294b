using System.Diagnostics;
using System.Text.Json;
using OnCache.Lab.Cluster;
using OnCache.Lab.Cluster.Control;
using OnCache.Lab.Demo;
using OnCache.Lab.Demo.Cluster;

namespace OnCache.Lab.Bench.Apply;

/// <summary>
/// Measures, in a real cluster and on one established flow that never pauses, the time from the API server's answer to the write of a
/// policy until the flow's first packet takes the fast path, and from the answer to its deletion until the last one does.
/// </summary>
internal sealed class ApplyBench(ClusterDemoOptions options, DemoConsole screen)
{
    private const int FlowRate = 500;
    private const double ApplyGoal = 2;
    private const double DeleteGoal = 1;
    private const string Collection = "apis/oncache.io/v1alpha1/overlaycachepolicies";
    private const string Policy = $"{Collection}/everything";
    private static readonly string[] Flows = ["udp-rr", "tcp-rr"];
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5);

    // So many exchanges without a packet on the fast path that none is to come.
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan Accelerated = TimeSpan.FromSeconds(0.5);

    /// <summary>Exit status 0: the goals are shown beside the figures, and judged by who reads them.</summary>
    /// <exception cref="LabException">The cluster did not come up, or a change had no effect within a minute.</exception>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        options.Validate();
        screen.Step("a two-node Kubernetes cluster");
        await using var cluster = await KubernetesCluster.UpAsync(new ClusterOptions { Images = options.Images }, screen, cancellationToken);
        var stage = await DemoStage.SetAsync(cluster, options, screen, cancellationToken);
        using var api = cluster.ControlPlane.CreateClient();
        using var sampler = new AgentSampler(cluster.Nodes[0].PathOf("/run/oncache/agent.sock"), TrafficPods.Namespace, TrafficPods.Client);
        var rows = new List<ApplyBenchRow>();
        foreach (var kind in Flows)
        {
            screen.Step($"{kind}, {FlowRate} exchanges a second on one flow: the policy applied and deleted {options.Rounds} times");
            rows.AddRange(await MeasureAsync(kind, stage.Pods, api, sampler, cancellationToken));
        }

        foreach (var row in rows)
        {
            screen.Say(FormattableString.Invariant(
                $"{row.Flow} {row.Change,-6}: min {row.Min:F3} s, median {row.Median:F3} s, max {row.Max:F3} s (goal {row.GoalSeconds:F0} s)"));
        }

        if (options.JsonPath is { } path)
        {
            var kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
            File.WriteAllText(path, JsonSerializer.Serialize(new ApplyBenchResult(kernel, FlowRate, rows), ApplyBenchJson.Default.ApplyBenchResult) + "\n");
        }

        screen.Step("cleaning up");
        return 0;
    }

    private async Task<IReadOnlyList<ApplyBenchRow>> MeasureAsync(
        string kind, TrafficPods pods, ApiClient api, AgentSampler sampler, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var flow = pods.FlowAsync(kind, FlowRate, end.Token);
        var manifest = await File.ReadAllTextAsync(options.Policy, cancellationToken);
        var (applied, deleted) = (new List<double>(), new List<double>());
        try
        {
            // Established before the first round.
            await Task.Delay(Quiet, cancellationToken);
            for (var round = 1; round <= options.Rounds; round++)
            {
                await api.CreateAsync(Collection, manifest, cancellationToken);
                applied.Add(await UntilFirstAsync(sampler, cancellationToken));
                await Task.Delay(Accelerated, cancellationToken);
                await api.DeleteAsync(Policy, cancellationToken);
                deleted.Add(await UntilLastAsync(sampler, api, cancellationToken));
                if (flow.IsCompleted)
                {
                    await flow;
                    throw new LabException($"the {kind} flow ended before it should");
                }
            }
        }
        finally
        {
            await end.CancelAsync();
            await flow.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return [new(kind, "apply", ApplyGoal, applied), new(kind, "delete", DeleteGoal, deleted)];
    }

    private static async Task<double> UntilFirstAsync(AgentSampler sampler, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var before = await sampler.HitsAsync(cancellationToken);
        while (await sampler.HitsAsync(cancellationToken) == before)
        {
            if (Stopwatch.GetElapsedTime(started) > Liveness.Limit)
            {
                throw new LabException($"no packet of the flow took the fast path within {Liveness.Limit.TotalSeconds} s after the policy was applied");
            }

            await Task.Delay(Interval, cancellationToken);
        }

        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static async Task<double> UntilLastAsync(AgentSampler sampler, ApiClient api, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var (hits, last) = (await sampler.HitsAsync(cancellationToken), started);
        while (Stopwatch.GetElapsedTime(last) < Quiet || await api.AnswersAsync(Policy, cancellationToken))
        {
            if (Stopwatch.GetElapsedTime(started) > Liveness.Limit)
            {
                throw new LabException($"the policy, or packets of the flow on the fast path, were still there {Liveness.Limit.TotalSeconds} s after it was deleted");
            }

            await Task.Delay(Interval, cancellationToken);
            if (await sampler.HitsAsync(cancellationToken) is var now && now != hits)
            {
                (hits, last) = (now, Stopwatch.GetTimestamp());
            }
        }

        return Stopwatch.GetElapsedTime(started, last).TotalSeconds;
    }
}
