using System.Diagnostics;
using OnCache.Agent.Coherence;
using OnCache.Agent.Net;
using OnCache.Agent.Telemetry;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd;

/// <summary>What others have put on the devices goes on working, and what must see every packet sees it.</summary>
public sealed class OtherProgramsTests(SharedLab shared) : IClassFixture<SharedLab>
{
    private const int Exchanges = 20;

    [Fact]
    public async Task Foreign_programs_before_and_after_ours_stay_attached_and_keep_seeing_packets()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync();
        var (agent, node) = (lab.Agents[0], lab.Agents[0].Node);
        (string Device, TcDirection Direction)[] hooks =
        [
            (lab.Client.HostInterface, TcDirection.Ingress),
            (node.UnderlayDevice, TcDirection.Ingress), (node.UnderlayDevice, TcDirection.Egress),
        ];
        using var before = new ForeignPrograms(node, hooks);
        await lab.StartAsync();
        // At the NIC's egress what stands behind ours sees the fast path, too.
        using var after = new ForeignPrograms(node, [hooks[^1]]);
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);

        before.OnEach.ShouldAllBe(static program => program.Packets > 0);
        after.OnEach.ShouldAllBe(static program => program.Packets > 0, "those behind ours see what goes the CNI's way");
        var (pod, nic) = (before.OnEach[0].Packets, before.OnEach[1].Packets);
        await conversation.ExchangeAsync(Exchanges);
        (before.OnEach[0].Packets - pod).ShouldBeGreaterThanOrEqualTo((ulong)Exchanges, "those before ours see the fast path too");
        (before.OnEach[1].Packets - nic).ShouldBeGreaterThanOrEqualTo((ulong)Exchanges);

        await agent.RestartAsync();
        foreach (var (device, direction) in hooks)
        {
            var names = Footprint.Tcx(node, device, direction);
            names.Count.ShouldBe(device == node.UnderlayDevice && direction == TcDirection.Egress ? 3 : 2);
            names[1].ShouldStartWith("oncache_");
        }

        await agent.StopAsync();
        await agent.UninstallAsync();
        foreach (var (device, direction) in hooks)
        {
            Footprint.Tcx(node, device, direction).ShouldAllBe(static name => name == "foreign");
        }

        var seen = before.OnEach.Concat(after.OnEach).Select(static program => program.Packets).ToArray();
        await conversation.ExchangeAsync(Exchanges);
        before.OnEach.Concat(after.OnEach).Zip(seen).ShouldAllBe(static pair => pair.First.Packets >= pair.Second + Exchanges);
    }

    /// <summary>Attaching a program raises no event; what the fast path does not pass must be obeyed all the same.</summary>
    [Theory]
    [InlineData("veth", true)]
    [InlineData("veth", false)]
    [InlineData("eth0", false)]
    [InlineData("flannel.1", true)]
    [InlineData("cni0", true)]
    public async Task A_program_that_comes_behind_ours_and_drops_is_obeyed(string device, bool egress)
    {
        var direction = egress ? TcDirection.Egress : TcDirection.Ingress;
        LiveLab.Require();
        await using var lab = await AcceleratedLab.UpAsync();
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);

        using (ForeignProgram.Attach(lab.Server.Node, device == "veth" ? lab.Server.HostInterface : device, direction, drops: true))
        {
            _ = await Eventually.ReadsAsync(
                async () => await conversation.TryExchangeAsync(),
                static answered => !answered,
                "the program's word holds");
            for (var i = 0; i < Exchanges; i++)
            {
                (await conversation.TryExchangeAsync()).ShouldBeFalse("it is not asked once in a lease, but always");
            }

            var rules = (await lab.AgentOf(lab.Server).StatusAsync()).HostRules;
            rules.ShouldContain(rule => rule.Rule.Contains("tcx program foreign", StringComparison.Ordinal));
        }

        // The nodes could not resolve each other meanwhile, on the plain overlay neither: the way is found again first.
        await using (var first = new UdpConversation(lab.Client, lab.Server))
        {
            _ = await Eventually.ReadsAsync(first.TryExchangeAsync, static answered => answered, "an answer");
        }

        // What was asked before may be answered late.
        await using var later = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(later);
    }

    [Fact]
    public async Task A_filter_of_ours_that_somebody_removes_is_put_back()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync();
        await lab.StartAsync(config: null, "--attach", "clsact");
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);
        var before = Footprint.Of(lab.Client.Node);

        await lab.Client.Node.DoAsync($"tc qdisc delete dev {lab.Client.HostInterface} clsact");
        await lab.Client.Node.DoAsync($"tc qdisc delete dev {lab.Client.Node.UnderlayDevice} clsact");

        // All of it: while a qdisc is added, the kernel drops packets.
        await Eventually.HoldsAsync(() => Footprint.Of(lab.Client.Node).SequenceEqual(before, StringComparer.Ordinal), "put back");
        (await lab.AgentOf(lab.Client).FlushesAsync(FlushCause.ProgramRestored)).Times.ShouldBeGreaterThan(0);
        await lab.LearnAsync(conversation);
    }

    [Fact]
    public async Task A_bandwidth_limit_keeps_its_direction_on_the_overlay_and_holds()
    {
        const int BytesPerSecond = 1_000_000;
        const int Burst = 64_000;
        const long Transfer = 2_000_000;
        var lab = await shared.ReadyAsync();
        var (pod, agent) = (lab.Client, lab.AgentOf(lab.Client));
        await using var conversation = new UdpConversation(pod, lab.Server);
        await lab.LearnAsync(conversation);
        await pod.Node.DoAsync($"tc qdisc add dev {pod.HostInterface} root tbf rate {BytesPerSecond}bps burst {Burst} latency 50ms");
        try
        {
            var status = await agent.UntilAsync(
                status => LabAgent.EndpointOf(status, pod).State == EndpointState.Shaped, "aware of the limit");
            LabAgent.EndpointOf(status, pod).Reason.ShouldBe($"{pod.HostInterface}: queueing discipline tbf");
            _ = await LearnAsync(agent, pod, conversation, static grown => grown is { Egress: > 0, Ingress: 0 });
            (await lab.CountAsync(conversation, Exchanges)).Client.ShouldBe(new Hits(Exchanges, 0));

            await using var stream = await DuplexStream.OpenAsync(pod, lab.Server);
            var started = Stopwatch.GetTimestamp();
            await stream.Down.MoveOnAsync(Transfer);
            Stopwatch.GetElapsedTime(started).TotalSeconds.ShouldBeGreaterThan((Transfer - Burst) / (double)BytesPerSecond * 0.9);
        }
        finally
        {
            await pod.Node.UndoAsync($"tc qdisc delete dev {pod.HostInterface} root");
        }

        await lab.AcceleratedAsync();
        await lab.LearnAsync(conversation);
    }

    [Fact]
    public async Task A_foreign_filter_at_ingress_sees_every_packet_of_the_pod()
    {
        var lab = await shared.ReadyAsync();
        var (pod, agent) = (lab.Client, lab.AgentOf(lab.Client));
        await using var conversation = new UdpConversation(pod, lab.Server);
        await lab.LearnAsync(conversation);
        await pod.Node.DoAsync($"tc qdisc add dev {pod.HostInterface} clsact");
        try
        {
            await pod.Node.DoAsync($"tc filter add dev {pod.HostInterface} ingress prio 7 protocol ip u32 match u32 0 0 flowid 1:1");
            var status = await agent.UntilAsync(
                status => LabAgent.EndpointOf(status, pod).State == EndpointState.Shaped, "aware of the filter");
            LabAgent.EndpointOf(status, pod).Reason.ShouldNotBeNull().ShouldContain("u32 filter of priority 7 at ingress");
            _ = await LearnAsync(agent, pod, conversation, static grown => grown is { Egress: 0, Ingress: > 0 });

            (await lab.CountAsync(conversation, Exchanges)).Client.ShouldBe(new Hits(0, Exchanges));
        }
        finally
        {
            await pod.Node.UndoAsync($"tc qdisc delete dev {pod.HostInterface} clsact");
        }

        await lab.AcceleratedAsync();
        await lab.LearnAsync(conversation);
    }

    /// <summary>Talks until the hits of one exchange are such.</summary>
    private static Task<Hits> LearnAsync(LabAgent agent, LabPod pod, UdpConversation conversation, Func<Hits, bool> condition) =>
        Eventually.ReadsAsync(
            async () =>
            {
                var before = await agent.HitsAsync(pod);
                await conversation.ExchangeAsync(1);
                return await agent.HitsAsync(pod) - before;
            },
            condition,
            "one direction on the fast path");
}
