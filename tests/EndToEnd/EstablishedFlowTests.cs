using System.Diagnostics;
using System.Net.Sockets;
using OnCache.Api;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab.Overlay;
using OnCache.Lab.Policy;

namespace OnCache.EndToEnd;

/// <summary>What becomes of a flow that was established before a policy against it is the CNI's decision, cached or not.</summary>
public sealed class EstablishedFlowTests(PlainLab plain, SharedLab accelerated) : IClassFixture<PlainLab>, IClassFixture<SharedLab>
{
    private const int Messages = 20;
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(1);

    // A packet on the CNI's path when the rule came, and the programs' clock, which ticks.
    private static readonly TimeSpan s_underWay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_watch = TimeSpan.FromMilliseconds(300);

    public enum Variant
    {
        /// <summary>No agent.</summary>
        Overlay,

        /// <summary>The agents flush when the policy is in force.</summary>
        Signalled,

        /// <summary>No agent hears of the policy.</summary>
        Unheard,
    }

    [Theory]
    [InlineData(EnforcerKind.NewOnly, Protocols.Tcp, Variant.Overlay)]
    [InlineData(EnforcerKind.NewOnly, Protocols.Tcp, Variant.Signalled)]
    [InlineData(EnforcerKind.NewOnly, Protocols.Tcp, Variant.Unheard)]
    [InlineData(EnforcerKind.NewOnly, Protocols.Udp, Variant.Overlay)]
    [InlineData(EnforcerKind.NewOnly, Protocols.Udp, Variant.Signalled)]
    [InlineData(EnforcerKind.NewOnly, Protocols.Udp, Variant.Unheard)]
    [InlineData(EnforcerKind.Cutting, Protocols.Tcp, Variant.Overlay)]
    [InlineData(EnforcerKind.Cutting, Protocols.Tcp, Variant.Signalled)]
    [InlineData(EnforcerKind.Cutting, Protocols.Tcp, Variant.Unheard)]
    [InlineData(EnforcerKind.Cutting, Protocols.Udp, Variant.Overlay)]
    [InlineData(EnforcerKind.Cutting, Protocols.Udp, Variant.Signalled)]
    [InlineData(EnforcerKind.Cutting, Protocols.Udp, Variant.Unheard)]
    public async Task An_established_flow_lives_or_is_cut_as_on_the_overlay(EnforcerKind kind, Protocols protocol, Variant variant)
    {
        var lab = await ReadyAsync(variant);
        var enforcer = new PolicyEnforcer(lab.Overlay, kind);
        await using var flow = await StampedFlow.OpenAsync(protocol, lab.Client, lab.Server);
        await FlowsAsync(lab, flow, variant);
        long end;
        try
        {
            await enforcer.ApplyAsync([new DenyRule(lab.Client, lab.Server)], TestContext.Current.CancellationToken);
            if (variant == Variant.Signalled)
            {
                await lab.FlushAsync();
            }

            end = Stopwatch.GetTimestamp() + (variant == Variant.Unheard ? Ticks(s_lease + s_underWay) : 0);
            await NoNewFlowOpensAsync(lab);

            if (kind == EnforcerKind.NewOnly)
            {
                await flow.ArrivesAfterAsync(end + Ticks(s_watch));
            }
            else
            {
                await Eventually.HoldsAsync(() => flow.Sent > end + Ticks(s_watch), "messages sent after the bound");
                await OtherTrafficPassesAsync(lab);
                flow.Arrived.ShouldBeLessThan(end, "a message that was sent after the bound has arrived");
            }
        }
        finally
        {
            await enforcer.RemoveAsync(CancellationToken.None);
        }

        await flow.ArrivesAfterAsync(end + Ticks(s_watch));
        await FlowsAsync(lab, flow, variant);
    }

    /// <summary>The next packet decides; on a busy flow it could be an answer, which opens the flow anew from its other end, on the overlay as well. So the flow pauses.</summary>
    [Theory]
    [InlineData(Protocols.Tcp, Variant.Overlay)]
    [InlineData(Protocols.Tcp, Variant.Signalled)]
    [InlineData(Protocols.Udp, Variant.Overlay)]
    [InlineData(Protocols.Udp, Variant.Signalled)]
    public async Task A_flow_that_connection_tracking_is_made_to_forget_is_cut_as_on_the_overlay(Protocols protocol, Variant variant)
    {
        var lab = await ReadyAsync(variant);
        var enforcer = new PolicyEnforcer(lab.Overlay, EnforcerKind.Forgetting);
        await using var flow = await StampedFlow.OpenAsync(protocol, lab.Client, lab.Server);
        await FlowsAsync(lab, flow, variant);
        await flow.PauseAsync();
        long end;
        try
        {
            await enforcer.ApplyAsync([new DenyRule(lab.Client, lab.Server)], TestContext.Current.CancellationToken);
            if (variant == Variant.Signalled)
            {
                await lab.FlushAsync();
            }

            end = Stopwatch.GetTimestamp();
            flow.GoOn();
            await NoNewFlowOpensAsync(lab);
            await Eventually.HoldsAsync(() => flow.Sent > end + Ticks(s_watch), "messages sent after the policy");
            await OtherTrafficPassesAsync(lab);
            flow.Arrived.ShouldBeLessThan(end, "a message that was sent after the policy has arrived");
        }
        finally
        {
            await enforcer.RemoveAsync(CancellationToken.None);
        }

        await flow.ArrivesAfterAsync(end + Ticks(s_watch));
        await FlowsAsync(lab, flow, variant);
    }

    private async Task<AcceleratedLab> ReadyAsync(Variant variant)
    {
        if (variant == Variant.Overlay)
        {
            return plain.Ready();
        }

        var lab = await accelerated.ReadyAsync();
        await lab.ConfigureAsync(new AgentConfig { Lease = $"{s_lease.TotalSeconds:F0}s" });
        return lab;
    }

    /// <summary>Messages are answered; where there are agents, on the fast path both ways on both nodes.</summary>
    private static async Task FlowsAsync(AcceleratedLab lab, StampedFlow flow, Variant variant)
    {
        if (variant == Variant.Overlay)
        {
            await flow.MoveOnAsync(Messages);
            return;
        }

        await Eventually.ReadsAsync(
            async () =>
            {
                var before = (await HitsAsync(lab.Client), await HitsAsync(lab.Server));
                await flow.MoveOnAsync(Messages);
                return (Client: await HitsAsync(lab.Client) - before.Item1, Server: await HitsAsync(lab.Server) - before.Item2);
            },
            static grown => Covers(grown.Client) && Covers(grown.Server),
            "the flow on the fast path");

        Task<Hits> HitsAsync(LabPod pod) => lab.AgentOf(pod).HitsAsync(pod);
        static bool Covers(Hits hits) => hits.Egress >= Messages && hits.Ingress >= Messages;
    }

    /// <summary>Neither by TCP nor by UDP.</summary>
    private static async Task NoNewFlowOpensAsync(AcceleratedLab lab)
    {
        await using var echo = UdpEcho.Start(lab.Server, lab.Server.Address);
        using var newcomer = Sockets.Udp(lab.Client);
        _ = await newcomer.SendToAsync("new"u8.ToArray(), echo.EndPoint);
        using var listener = Sockets.Listener(lab.Server, lab.Server.Address);
        using var client = lab.Client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        using var patience = Patience.Of(Patience.Short);

        await Should.ThrowAsync<OperationCanceledException>(async () => await client.ConnectAsync(listener.LocalEndPoint!, patience.Token));
        echo.Received.ShouldBe(0);
    }

    /// <summary>Of another pod to the same place: what was sent before would have arrived by now.</summary>
    private static async Task OtherTrafficPassesAsync(AcceleratedLab lab)
    {
        await using var echo = UdpEcho.Start(lab.Server, lab.Server.Address);
        using var other = Sockets.Udp(lab.Client.Node.Pods[1]);
        _ = await other.SendToAsync("see"u8.ToArray(), echo.EndPoint);
        (await Sockets.ReceiveAsync(other, Patience.Long)).ShouldNotBeNull();
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);
}
