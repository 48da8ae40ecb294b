using System.Diagnostics;
using OnCache.Lab.Bench.Kernel;
using OnCache.Lab.Bench.Suites;
using OnCache.Lab.Demo;
using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Bench.Running;

/// <summary>One lab of two nodes after a recipe, with its agents where the recipe has some.</summary>
internal sealed class BenchLab : IAsyncDisposable
{
    private readonly List<AgentProcess> agents = [];

    private BenchLab(LabRecipe recipe, OverlayLab overlay)
    {
        Recipe = recipe;
        Overlay = overlay;
    }

    public LabRecipe Recipe { get; }

    public OverlayLab Overlay { get; }

    /// <summary>By node; none where the recipe has none.</summary>
    public IReadOnlyList<AgentProcess> Agents => agents;

    /// <param name="recipe">How it is made.</param>
    /// <param name="mtu">Of the wire, bytes.</param>
    /// <param name="agent">Path of oncache-agent.</param>
    /// <param name="cancellationToken">Ends it; what was made is taken down.</param>
    public static async Task<BenchLab> UpAsync(LabRecipe recipe, int mtu, string agent, CancellationToken cancellationToken)
    {
        var options = new LabOptions { Mtu = mtu, Pods = recipe.Pods, Rules = recipe.Rules, Agent = recipe.Agent ?? new AgentPolicy() };
        var lab = new BenchLab(recipe, await OverlayLab.UpAsync(options, cancellationToken: cancellationToken));
        try
        {
            await lab.EquipAsync(agent, cancellationToken);
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    /// <summary>Packets of both nodes since the agents started, by the path they took.</summary>
    public async Task<FastPathUse> UseAsync(CancellationToken cancellationToken)
    {
        var nodes = await UseOfEachAsync(cancellationToken);
        return new FastPathUse(nodes.Sum(use => use.Hits), nodes.Sum(use => use.Misses));
    }

    /// <summary>The same by node; empty without agents.</summary>
    public async Task<IReadOnlyList<FastPathUse>> UseOfEachAsync(CancellationToken cancellationToken)
    {
        var nodes = new List<FastPathUse>();
        foreach (var agent in agents)
        {
            var status = await agent.CountersAsync(cancellationToken);
            nodes.Add(new FastPathUse(status.Hits, status.Misses));
        }

        return nodes;
    }

    /// <summary>Repeats traffic until both nodes use the fast path: agents learn nothing for the settle time after their start.</summary>
    /// <exception cref="LabException">They do not.</exception>
    public async Task WarmUpAsync(Func<Task> traffic, CancellationToken cancellationToken)
    {
        var (before, started) = (await UseOfEachAsync(cancellationToken), Stopwatch.GetTimestamp());
        do
        {
            if (Stopwatch.GetElapsedTime(started) > Liveness.Limit)
            {
                throw new LabException($"{Recipe.Name}: the fast path was not taken within {Liveness.Limit.TotalSeconds} s");
            }

            await traffic();
        }
        while ((await UseOfEachAsync(cancellationToken)).Zip(before).Any(node => node.First.Hits == node.Second.Hits));
    }

    /// <summary>Run time of the agents' programs of both nodes; empty without agents.</summary>
    public Dictionary<string, ProgramTime> ProgramTimes() => ProgramClock.Read(Overlay.Nodes.Select(node => node.BpfRoot));

    /// <summary>Ends the agents by SIGKILL: what they have attached and pinned stays and nobody changes it.</summary>
    public async Task KillAgentsAsync(CancellationToken cancellationToken)
    {
        foreach (var agent in agents)
        {
            await agent.KillAsync(cancellationToken);
        }
    }

    /// <summary>Packets of pods that passed the FORWARD hook; null without a flowtable.</summary>
    public async Task<long?> ForwardedAsync(CancellationToken cancellationToken)
    {
        if (Recipe.Flowtable is null)
        {
            return null;
        }

        long total = 0;
        foreach (var node in Overlay.Nodes)
        {
            total += await Flowtable.ForwardedAsync(node, cancellationToken);
        }

        return total;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var agent in agents)
        {
            await agent.DisposeAsync();
        }

        await Overlay.DisposeAsync();
    }

    private async Task EquipAsync(string agent, CancellationToken cancellationToken)
    {
        foreach (var node in Overlay.Nodes)
        {
            if (Recipe.Flowtable is { } devices)
            {
                await Flowtable.AddAsync(node, devices, cancellationToken);
            }

            if (Recipe.Agent is not null)
            {
                agents.Add(AgentProcess.Start(agent, node, Overlay.Folder));
            }
        }

        foreach (var started in agents)
        {
            await started.WaitReadyAsync(cancellationToken);
        }
    }
}
