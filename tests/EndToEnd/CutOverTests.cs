using System.Net.Sockets;
using OnCache.Agent.Bpf;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd;

/// <summary>Changing between the fast path and the overlay loses, doubles, moves and alters nothing.</summary>
public sealed class CutOverTests(SharedLab shared) : IClassFixture<SharedLab>
{
    private const int Flushes = 25;
    private const long Megabyte = 1 << 20;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_connection_is_byte_exact_while_the_cache_is_flushed(bool slowReader)
    {
        var lab = await shared.ReadyAsync();
        await using var stream = await DuplexStream.OpenAsync(lab.Client, lab.Server, slowReader ? StreamPace.SlowReader : StreamPace.Full);
        var before = await lab.AgentOf(lab.Client).HitsAsync(lab.Client);

        for (var flush = 0; flush < Flushes; flush++)
        {
            var hits = await lab.AgentOf(lab.Client).HitsAsync(lab.Client);
            var agent = lab.Agents[flush % 2];
            await agent.FlushAsync(flush % 3 == 0 ? null : $"default/{agent.Node.Pods[0].Name}");
            await stream.MoveOnAsync(Megabyte / 4);

            // On the fast path again, so that the next flush cuts over again.
            _ = await Eventually.ReadsAsync(
                () => lab.AgentOf(lab.Client).HitsAsync(lab.Client),
                now => now.Egress > hits.Egress && now.Ingress > hits.Ingress,
                "hits again");
        }

        (await stream.StopAsync()).ShouldBeGreaterThan(10 * Megabyte);
        (await lab.AgentOf(lab.Client).HitsAsync(lab.Client) - before).Both.ShouldBeGreaterThan(1000);
    }

    [Fact]
    public async Task A_numbered_flow_loses_and_reorders_nothing_through_flushes()
    {
        var lab = await shared.ReadyAsync();
        await using var flow = SequencedFlow.Start(lab.Client, lab.Server);
        var agent = lab.AgentOf(lab.Client);
        var start = await agent.HitsAsync(lab.Client);
        for (var flush = 0; flush < Flushes; flush++)
        {
            var before = await agent.HitsAsync(lab.Client);
            _ = await Eventually.ReadsAsync(
                () => agent.HitsAsync(lab.Client), now => (now - before) is { Egress: > 20, Ingress: > 20 }, "the flow on the fast path");
            await lab.FlushAsync();
        }

        (await flow.StopAsync()).ShouldBeGreaterThan(Flushes * 20);
        (await agent.HitsAsync(lab.Client) - start).Egress.ShouldBeGreaterThan(Flushes * 20);
    }

    [Fact]
    public async Task A_connection_opened_before_the_agent_survives_its_start_restart_death_and_removal()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync();
        await using var stream = await DuplexStream.OpenAsync(lab.Client, lab.Server, StreamPace.Steady);
        await stream.MoveOnAsync(Megabyte);

        await lab.StartAsync(options: ["--heartbeat-timeout", "1s"]);
        await OnFastPathAsync(lab, stream);
        foreach (var agent in lab.Agents)
        {
            await agent.RestartAsync(options: ["--heartbeat-timeout", "1s"]);
        }

        await OnFastPathAsync(lab, stream);
        foreach (var agent in lab.Agents)
        {
            await agent.KillAsync();
        }

        // Longer than the programs go on without an agent, and until the deadline is noticed in both directions.
        using var reasons = new PinnedReasons(lab.Agents[0]);
        await Eventually.HoldsAsync(() => reasons.Read(Reason.AgentSilent) is { Egress: > 0, Ingress: > 0 }, "the deadline noticed");
        await stream.MoveOnAsync(4 * Megabyte);

        await lab.StartAsync();
        await OnFastPathAsync(lab, stream);
        foreach (var agent in lab.Agents)
        {
            await agent.StopAsync();
            await agent.UninstallAsync();
        }

        await stream.MoveOnAsync(4 * Megabyte);
        await stream.StopAsync();
    }

    [Fact]
    public async Task Datagrams_of_every_size_around_the_mtu_come_back_as_they_went()
    {
        var lab = await shared.ReadyAsync();
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);
        var around = Enumerable.Range(lab.Overlay.PodMtu - 100, 201);
        var sampled = Enumerable.Range(0, 50).Select(i => 1 + (i * 40));
        var before = await lab.AgentOf(lab.Client).HitsAsync(lab.Client);

        foreach (var size in sampled.Concat(around))
        {
            var datagram = new byte[size];
            new Random(size).NextBytes(datagram);
            await conversation.ExchangeAsync(datagram);
        }

        var fitting = sampled.Concat(around).Count(size => size + 28 <= lab.Overlay.PodMtu);
        (await lab.AgentOf(lab.Client).HitsAsync(lab.Client) - before).ShouldBe(new Hits(fitting, fitting));
    }

    [Fact]
    public async Task A_datagram_that_must_not_be_fragmented_is_refused_above_the_mtu_as_on_the_overlay()
    {
        var lab = await shared.ReadyAsync();
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        conversation.Socket.DontFragment = true;
        await lab.LearnAsync(conversation);
        var most = lab.Overlay.PodMtu - 28;

        await conversation.ExchangeAsync(new byte[most]);
        var refused = await Should.ThrowAsync<SocketException>(() => conversation.ExchangeAsync(new byte[most + 1]));

        refused.SocketErrorCode.ShouldBe(SocketError.MessageSize);
    }

    private static async Task OnFastPathAsync(AcceleratedLab lab, DuplexStream stream)
    {
        foreach (var pod in (LabPod[])[lab.Client, lab.Server])
        {
            var before = await lab.AgentOf(pod).HitsAsync(pod);
            _ = await Eventually.ReadsAsync(
                () => lab.AgentOf(pod).HitsAsync(pod),
                now => (now - before) is { Egress: > 100, Ingress: > 100 },
                $"the stream of {pod} on the fast path");
        }

        await stream.MoveOnAsync(4 * Megabyte);
    }
}
