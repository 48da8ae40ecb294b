using System.Diagnostics;
using System.Text.Json;
using OnCache.Lab.Bench;
using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Demo;

/// <summary>Two equal labs, one left alone and one with agents, and traffic through both in turn.</summary>
internal sealed class DemoRun(DemoOptions options, DemoConsole screen)
{
    // Long enough for the TCP window to open and for a new flow to be learned.
    private const double WarmUpSeconds = 0.08;
    private static readonly TimeSpan LongestWarmUp = TimeSpan.FromSeconds(20);
    private static readonly string[] Metrics = ["tcp-rr", "udp-rr", "udp-stream", "tcp-stream"];

    /// <summary>Exit status 0, or 1 with the reason printed when the fast path was not taken.</summary>
    /// <exception cref="LabException">A lab did not come up, an agent was not ready, or the traffic broke.</exception>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        options.Validate();
        OverlayLab.RequireRoot();
        screen.Say("bringing up two nodes and their overlay" + (options.Agent is null ? "" : ", twice: one plain, one for OnCache"));
        await using var plain = await OverlayLab.UpAsync(new LabOptions(), cancellationToken: cancellationToken);
        await using var host = await DemoVariant.HostToHostAsync(plain, cancellationToken);
        await using var overlay = await DemoVariant.PodToPodAsync(DemoVariant.Overlay, plain, cancellationToken);
        if (options.Agent is null)
        {
            Finish(plain, await MeasureAsync([host, overlay], cancellationToken), null);
            return 0;
        }

        await using var cached = await OverlayLab.UpAsync(new LabOptions(), cancellationToken: cancellationToken);
        await using var first = await StartAgentAsync(cached, 0, options.Agent, cancellationToken);
        await using var second = await StartAgentAsync(cached, 1, options.Agent, cancellationToken);
        await using var oncache = await DemoVariant.PodToPodAsync(DemoVariant.OnCache, cached, cancellationToken);
        var use = await MeasureWithAgentsAsync([host, overlay, oncache], [first, second], plain, cancellationToken);
        if (use.Objection is { } objection)
        {
            throw new LabException(objection);
        }

        return 0;
    }

    private async Task<AgentProcess> StartAgentAsync(OverlayLab lab, int node, string program, CancellationToken cancellationToken)
    {
        screen.Say($"starting the agent of {lab.Nodes[node].Name}");
        var agent = AgentProcess.Start(program, lab.Nodes[node], lab.Folder);
        try
        {
            await agent.WaitReadyAsync(cancellationToken);
            return agent;
        }
        catch
        {
            await agent.DisposeAsync();
            throw;
        }
    }

    private async Task<FastPathUse> MeasureWithAgentsAsync(
        DemoVariant[] variants, AgentProcess[] agents, OverlayLab lab, CancellationToken cancellationToken)
    {
        // Agents learn nothing for the settle time after their start.
        var started = Stopwatch.GetTimestamp();
        while ((await TotalsAsync(agents, cancellationToken)).Hits == 0 && Stopwatch.GetElapsedTime(started) < LongestWarmUp)
        {
            Measure(variants[^1], Metrics[0], 0.1);
        }

        foreach (var metric in Metrics)
        {
            Measure(variants[^1], metric, 0.1);
        }

        var before = await TotalsAsync(agents, cancellationToken);
        var rows = await MeasureAsync(variants, cancellationToken);
        var after = await TotalsAsync(agents, cancellationToken);
        var use = after - before;
        Finish(lab, rows, use);
        foreach (var agent in agents)
        {
            screen.Say("");
            screen.Say((await agent.DescribeAsync(cancellationToken)).TrimEnd());
        }

        return use;
    }

    private static async Task<FastPathUse> TotalsAsync(AgentProcess[] agents, CancellationToken cancellationToken)
    {
        var total = new FastPathUse(0, 0);
        foreach (var agent in agents)
        {
            var status = await agent.StatusAsync(cancellationToken);
            total = new FastPathUse(total.Hits + status.Hits, total.Misses + status.Misses);
        }

        return total;
    }

    private double SliceSeconds(int variants) => (options.Seconds / (options.Rounds * Metrics.Length * variants)) - WarmUpSeconds;

    private async Task<IReadOnlyList<ComparisonRow>> MeasureAsync(DemoVariant[] variants, CancellationToken cancellationToken)
    {
        var seconds = SliceSeconds(variants.Length);
        var comparison = new Comparison();
        var slices = Schedule.Interleave(Metrics, variants, options.Rounds).ToArray();
        screen.Say(FormattableString.Invariant(
            $"measuring {string.Join(", ", Metrics)} on core {options.Core}: {options.Rounds} rounds of {slices.Length / options.Rounds} slices of {seconds:F2} s"));
        await screen.FollowAsync(slices.Length, async step =>
        {
            foreach (var (round, metric, variant) in slices)
            {
                cancellationToken.ThrowIfCancellationRequested();
                comparison.Add(round, metric, variant.Name, Measure(variant, metric, seconds));
                step($"round {round}: {metric} {variant.Name}");
                await Task.Yield();
            }
        });
        return comparison.Rows();
    }

    private Sample Measure(DemoVariant variant, string metric, double seconds)
    {
        var result = TrafficClient.Run(variant.Client.Namespace, new TrafficRequest
        {
            Kind = TrafficKinds.ByName[metric],
            To = variant.Server.Address,
            Port = variant.Server.Port,
            Seconds = seconds,
            WarmUpSeconds = WarmUpSeconds,
            Core = options.Core,
        });
        return new Sample(result.Rate, result.Gbps, result.P50Microseconds, result.CpuMicrosecondsPerTransaction);
    }

    private void Finish(OverlayLab lab, IReadOnlyList<ComparisonRow> rows, FastPathUse? use)
    {
        screen.Show(rows);
        if (use is not null)
        {
            screen.Say(FormattableString.Invariant($"hit ratio after warm-up: {use.Ratio:F4} ({use.Hits} packets on the fast path, {use.Misses} not)"));
        }

        if (options.JsonPath is { } path)
        {
            var kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
            var variants = rows.Select(row => row.Variant).Distinct(StringComparer.Ordinal).Count();
            var result = new DemoResult(kernel, lab.Mtu, options.Core, options.Rounds, SliceSeconds(variants), rows, use);
            File.WriteAllText(path, JsonSerializer.Serialize(result, DemoJson.Default.DemoResult) + "\n");
        }
    }
}
