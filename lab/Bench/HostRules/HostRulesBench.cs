using System.Diagnostics;
using OnCache.Lab.Bench.Coherence;
using OnCache.Lab.Bench.Results;
using OnCache.Lab.Bench.Running;
using OnCache.Lab.Bench.Suites;
using OnCache.Lab.Demo;
using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Bench.HostRules;

/// <summary>What following the node's rules costs an agent while a service proxy keeps writing them, and that none of it flushes. Each replay has a lab of its own.</summary>
internal sealed class HostRulesBench(HostRulesOptions options, DemoConsole screen)
{
    private const string Workload = "host-rules";
    private const int Pods = 10;

    /// <summary>Until what was set up is read and looked at, as rarely as that is done, and what it changed is flushed.</summary>
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(100);
    private static readonly LabRecipe s_recipe = new("oncache") { Pods = Pods, Agent = new AgentPolicy(), Accelerates = true };
    private static readonly Figure s_cpu = new("cpu", "% of a core", MoreIsBetter: false);
    private static readonly Figure s_flushes = new("flushes", "flushes", MoreIsBetter: false, Compared: false);
    private static readonly Figure s_changes = new("changes", "1/s", MoreIsBetter: true, Compared: false);

    private readonly MeasurementTable table = new(1, [Replay.Idle]);
    private readonly Dictionary<string, string> meanings = new(StringComparer.Ordinal);
    private readonly List<string> gaps = [];

    /// <returns>The figures, and what is not as it should be, a line each.</returns>
    /// <exception cref="LabException">A lab or an agent did not come up, or a replay broke.</exception>
    public async Task<(BenchResult Result, IReadOnlyList<string> Objections)> RunAsync(CancellationToken cancellationToken)
    {
        options.Validate();
        OverlayLab.RequireRoot();
        var (began, clock, load) = (TimeProvider.System.GetUtcNow(), Stopwatch.GetTimestamp(), MachineFacts.LoadNow());
        var objections = new List<string>();
        foreach (var name in Replay.Names.Where(name => options.Only.Count == 0 || options.Only.Contains(name, StringComparer.Ordinal)))
        {
            screen.Step($"{name}: bringing up the lab");
            if (await MeasureAsync(name, cancellationToken) is { } outcome)
            {
                objections.AddRange(outcome.Objections);
                table.Add(1, Workload, name, s_cpu, outcome.Cpu);
                table.Add(1, Workload, name, s_flushes, outcome.Flushes.Values.Sum());
                table.Add(1, Workload, name, s_changes, outcome.Changes);
                table.Add(1, Workload, name, Figure.HitRatio, outcome.Use.Ratio);
            }
        }

        var result = new BenchResult(
            BenchResult.CurrentSchema,
            Workload,
            began,
            Math.Round(Stopwatch.GetElapsedTime(clock).TotalSeconds, 1),
            1,
            options.Seconds,
            await MachineFacts.ReadAsync(load, new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal), cancellationToken),
            meanings,
            gaps,
            table.Measurements());
        return (result, objections);
    }

    /// <returns>Null where the kernel has no such rules.</returns>
    private async Task<ReplayOutcome?> MeasureAsync(string name, CancellationToken cancellationToken)
    {
        await using var lab = await BenchLab.UpAsync(s_recipe, Setting.Usual.Mtu, options.Agent, cancellationToken);
        var (node, far) = (lab.Overlay.Nodes[0], lab.Overlay.Nodes[1]);
        var replay = Replay.Of(node, [.. node.Pods.Zip(far.Pods).SelectMany(static pair => (LabPod[])[pair.First, pair.Second]).Select(static pod => pod.Address)])
            .Single(one => one.Name == name);
        meanings.Add(replay.Name, replay.Meaning);
        using var flows = new SteadyFlows(node, far);
        await lab.WarmUpAsync(() => Task.Delay(s_look, cancellationToken), cancellationToken);
        RuleWriter writer;
        try
        {
            writer = await RuleWriter.StartAsync(node, replay, cancellationToken);
        }
        catch (LabException exception)
        {
            gaps.Add($"{name}: {exception.Message}");
            return null;
        }

        await using (writer)
        {
            await Task.Delay(s_settle, cancellationToken);
            screen.Step($"{name}: {replay.Meaning}");
            var agent = lab.Agents[0];
            var (flushesBefore, useBefore) = await CountsAsync(agent, cancellationToken);
            var (changesBefore, cpuBefore, started) = (writer.Changes, agent.ProcessorTime, Stopwatch.GetTimestamp());
            await Task.Delay(TimeSpan.FromSeconds(options.Seconds), cancellationToken);
            var (changes, cpu, seconds) = (writer.Changes - changesBefore, agent.ProcessorTime - cpuBefore, Stopwatch.GetElapsedTime(started).TotalSeconds);
            var (flushes, use) = await CountsAsync(agent, cancellationToken);
            await writer.StopAsync();
            return new ReplayOutcome(
                name,
                100 * cpu.TotalSeconds / seconds,
                changes / seconds,
                flushes.ToDictionary(static pair => pair.Key, pair => pair.Value - flushesBefore.GetValueOrDefault(pair.Key), StringComparer.Ordinal),
                AgentJournal.LastFlush(agent.Log),
                use - useBefore);
        }
    }

    private static async Task<(IReadOnlyDictionary<string, long> Flushes, FastPathUse Use)> CountsAsync(AgentProcess agent, CancellationToken cancellationToken)
    {
        var status = await agent.CountersAsync(cancellationToken);
        return (AgentJournal.FlushCounts(await agent.MetricsAsync(cancellationToken)), new FastPathUse(status.Hits, status.Misses));
    }
}
