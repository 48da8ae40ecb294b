using OnCache.Agent.Bpf;
using OnCache.Agent.Coherence;
using OnCache.Agent.Net;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;

namespace OnCache.EndToEnd;

/// <summary>
/// Whatever becomes of the agents, a connection stays byte-exact and a flow of a thousand datagrams a second loses none,
/// doubles none and strays nowhere.
/// </summary>
public sealed class CrashAndUpgradeTests
{
    private const long Megabyte = 1 << 20;
    private const int Datagrams = 500;

    /// <summary>So long that no agent of a test misses it, however busy the machine is.</summary>
    private const string Long = "60s";
    private const string Short = "1s";

    [Theory]
    [InlineData("tcx", false)]
    [InlineData("tcx", true)]
    [InlineData("clsact", false)]
    [InlineData("clsact", true)]
    public async Task Another_agent_of_the_same_build_takes_over_maps_and_places(string attach, bool killed)
    {
        await using var lab = await UpAsync();
        using var foreign = new ForeignSet(lab);
        await lab.StartAsync(options: ["--attach", attach, "--heartbeat-timeout", Long]);
        await using var traffic = await Traffic.StartAsync(lab);
        var before = lab.Agents.Select(static agent => Identity.Of(agent.Node)).ToList();

        foreach (var agent in lab.Agents)
        {
            await (killed ? agent.KillAsync() : agent.StopAsync());
            await traffic.MoveOnAsync();
            await agent.StartAsync(null, "--attach", attach, "--heartbeat-timeout", Long);
        }

        await traffic.OnFastPathAsync();
        await traffic.StopAsync();
        foreach (var (agent, old) in lab.Agents.Zip(before))
        {
            var present = Identity.Of(agent.Node);
            present.Maps.ShouldBe(old.Maps);
            present.Links.ShouldBe(old.Links);
            present.Places.ShouldBe(old.Places, "the same hooks, one program of ours each");
            present.Programs.Intersect(old.Programs).ShouldBeEmpty("every program is replaced");
            using var reasons = new PinnedReasons(agent);
            reasons.Read(Reason.AgentSilent).ShouldBe(default, "never without a heartbeat");
        }

        foreign.MustBeUntouched();
    }

    [Theory]
    [InlineData("tcx")]
    [InlineData("clsact")]
    public async Task A_killed_agent_that_comes_back_after_the_deadline_finds_everything_with_the_CNI_and_voids_it(string attach)
    {
        await using var lab = await UpAsync();
        await lab.StartAsync(options: ["--attach", attach, "--heartbeat-timeout", Short]);
        await using var traffic = await Traffic.StartAsync(lab);
        var before = lab.Agents.Select(static agent => Identity.Of(agent.Node)).ToList();
        foreach (var agent in lab.Agents)
        {
            await agent.KillAsync();
        }

        foreach (var agent in lab.Agents)
        {
            await SilentAsync(agent);
        }

        await traffic.MoveOnAsync();
        foreach (var agent in lab.Agents)
        {
            await agent.StartAsync(null, "--attach", attach, "--heartbeat-timeout", Short);
            (await agent.StatusAsync()).LastFlush.ShouldNotBeNull().Cause.ShouldBe(nameof(FlushCause.AgentStart));
        }

        await traffic.OnFastPathAsync();
        await traffic.StopAsync();
        lab.Agents.Select(static agent => Identity.Of(agent.Node).Maps).ShouldBe(before.Select(static old => old.Maps));
    }

    [Theory]
    [InlineData("tcx")]
    [InlineData("clsact")]
    public async Task An_agent_that_was_stopped_beyond_the_deadline_voids_what_was_cached_before_it_goes_on(string attach)
    {
        await using var lab = await UpAsync();
        await lab.StartAsync(options: ["--attach", attach, "--heartbeat-timeout", Short]);
        await using var traffic = await Traffic.StartAsync(lab);
        var before = lab.Agents.Select(static agent => Identity.Of(agent.Node)).ToList();

        foreach (var agent in lab.Agents)
        {
            var silences = await agent.FlushesAsync(FlushCause.Silence);
            agent.Suspend();
            await SilentAsync(agent);
            await traffic.MoveOnAsync();
            agent.Resume();
            // Counted: the last flush may be of another cause a moment later.
            await Eventually.ReadsAsync(() => agent.FlushesAsync(FlushCause.Silence), now => now.Times > silences.Times, "aware of its silence");
        }

        await traffic.OnFastPathAsync();
        await traffic.StopAsync();
        foreach (var (agent, old) in lab.Agents.Zip(before))
        {
            var present = Identity.Of(agent.Node);
            present.Maps.ShouldBe(old.Maps);
            present.Programs.ShouldBe(old.Programs);
        }
    }

    [Theory]
    [InlineData("tcx")]
    [InlineData("clsact")]
    public async Task A_build_with_other_layouts_takes_over_and_gives_back_and_uninstalls_for_both(string attach)
    {
        await using var lab = await UpAsync();
        foreach (var agent in lab.Agents)
        {
            Footprint.SetLiberal(agent.Node, "0");
        }

        using var foreign = new ForeignSet(lab);
        var bare = lab.Agents.Select(static agent => Footprint.Of(agent.Node)).ToList();
        await lab.StartAsync(options: ["--attach", attach, "--heartbeat-timeout", Long]);
        await using var traffic = await Traffic.StartAsync(lab);
        var first = lab.Agents.Select(static agent => Identity.Of(agent.Node)).ToList();

        await ReplaceAsync(LabAgent.NextProgram);
        var next = lab.Agents.Select(static agent => Identity.Of(agent.Node)).ToList();
        await ReplaceAsync(LabAgent.Program);
        var again = lab.Agents.Select(static agent => Identity.Of(agent.Node)).ToList();

        foreach (var (old, present) in first.Zip(next).Concat(next.Zip(again)))
        {
            present.Version.ShouldNotBe(old.Version);
            present.Maps.Values.Intersect(old.Maps.Values).ShouldBeEmpty("no map of another layout is used");
            present.Links.ShouldBe(old.Links, "a link is never let go of");
            present.Places.ShouldBe(old.Places);
            present.Programs.Intersect(old.Programs).ShouldBeEmpty();
        }

        again.Select(static identity => identity.Version).ShouldBe(first.Select(static identity => identity.Version));
        foreign.MustBeUntouched();
        foreach (var agent in lab.Agents)
        {
            await agent.StopAsync();
            await agent.UninstallAsync();
        }

        await traffic.MoveOnAsync();
        await traffic.StopAsync();
        lab.Agents.Select(static agent => Footprint.Of(agent.Node)).ShouldBe(bare, "the setting of conntrack is restored too");

        async Task ReplaceAsync(string program)
        {
            foreach (var agent in lab.Agents)
            {
                await agent.StopAsync();
                agent.Executable = program;
                await agent.StartAsync(null, "--attach", attach, "--heartbeat-timeout", Long);
            }

            await traffic.OnFastPathAsync();
        }
    }

    [Theory]
    [InlineData("tcx")]
    [InlineData("clsact")]
    public async Task Uninstall_under_traffic_leaves_nothing_of_ours_and_everything_of_others(string attach)
    {
        await using var lab = await UpAsync();
        foreach (var agent in lab.Agents)
        {
            Footprint.SetLiberal(agent.Node, "0");
        }

        using var foreign = new ForeignSet(lab);
        var bare = lab.Agents.Select(static agent => Footprint.Of(agent.Node)).ToList();
        await lab.StartAsync(options: ["--attach", attach]);
        await using var traffic = await Traffic.StartAsync(lab);

        foreach (var agent in lab.Agents)
        {
            await agent.KillAsync();
            await agent.UninstallAsync();
            await traffic.MoveOnAsync();
        }

        await traffic.StopAsync();
        lab.Agents.Select(static agent => Footprint.Of(agent.Node)).ShouldBe(bare);
        foreign.MustBeUntouched();
    }

    private static async Task<AcceleratedLab> UpAsync()
    {
        LiveLab.Require();
        return await AcceleratedLab.PlainAsync(new LabOptions { Pods = 2 });
    }

    private static async Task SilentAsync(LabAgent agent)
    {
        using var reasons = new PinnedReasons(agent);
        var before = reasons.Read(Reason.AgentSilent);
        await Eventually.HoldsAsync(
            () => reasons.Read(Reason.AgentSilent) is var now && now.Egress > before.Egress && now.Ingress > before.Ingress,
            $"the silence of the agent of {agent.Node} noticed");
    }

    /// <summary>The connection and the flow of a test, between the first pods of the nodes.</summary>
    private sealed class Traffic : IAsyncDisposable
    {
        private readonly AcceleratedLab lab;
        private readonly DuplexStream stream;
        private readonly CountedFlow flow;

        private Traffic(AcceleratedLab lab, DuplexStream stream)
        {
            this.lab = lab;
            this.stream = stream;
            flow = CountedFlow.Start(
                lab.Client, lab.Server, lab.Overlay.Nodes.SelectMany(static node => node.Pods).Where(pod => pod != lab.Server));
        }

        public static async Task<Traffic> StartAsync(AcceleratedLab lab)
        {
            var traffic = new Traffic(lab, await DuplexStream.OpenAsync(lab.Client, lab.Server, StreamPace.Steady));
            await traffic.OnFastPathAsync();
            return traffic;
        }

        public Task MoveOnAsync() => Task.WhenAll(stream.MoveOnAsync(Megabyte), flow.MoveOnAsync(Datagrams));

        public async Task OnFastPathAsync()
        {
            await lab.AcceleratedAsync();
            foreach (var pod in (LabPod[])[lab.Client, lab.Server])
            {
                var agent = lab.AgentOf(pod);
                var before = await agent.HitsAsync(pod);
                _ = await Eventually.ReadsAsync(
                    () => agent.HitsAsync(pod),
                    now => (now - before) is { Egress: > Datagrams, Ingress: > Datagrams },
                    $"the traffic of {pod} on the fast path");
            }

            await MoveOnAsync();
        }

        public async Task StopAsync()
        {
            var report = await flow.StopAsync();
            var bytes = await stream.StopAsync();
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"{report.Sent} datagrams, each there and back once, {report.Overtaken} overtaken; {bytes} bytes");
        }

        public async ValueTask DisposeAsync()
        {
            await flow.DisposeAsync();
            await stream.DisposeAsync();
        }
    }

    /// <summary>Which objects of the kernel serve a node.</summary>
    private sealed record Identity(
        string Version,
        IReadOnlyDictionary<string, uint> Maps,
        IReadOnlyDictionary<string, uint> Links,
        IReadOnlyList<string> Places,
        IReadOnlyList<uint> Programs)
    {
        public static Identity Of(LabNode node)
        {
            var attached = KernelIds.OfAttached(node);
            return new Identity(
                KernelIds.Version(node), KernelIds.OfMaps(node), KernelIds.OfLinks(node), [.. attached.Keys], [.. attached.Values]);
        }
    }

    /// <summary>Somebody else's programs, before ours on every hook.</summary>
    private sealed class ForeignSet(AcceleratedLab lab) : IDisposable
    {
        private readonly ForeignPrograms programs = new(lab.Agents[0].Node, Hooks(lab));
        private readonly IReadOnlyList<string> before = Names(lab);

        public void MustBeUntouched() => Names(lab).ShouldBe(before);

        public void Dispose() => programs.Dispose();

        private static IEnumerable<(string Device, TcDirection Direction)> Hooks(AcceleratedLab lab) =>
            from device in (string[])[lab.Agents[0].Node.UnderlayDevice]
            from direction in Enum.GetValues<TcDirection>()
            select (device, direction);

        private static List<string> Names(AcceleratedLab lab) =>
            [.. Footprint.Of(lab.Agents[0].Node).Where(static line => line.EndsWith(" foreign", StringComparison.Ordinal))];
    }
}
