using OnCache.Agent.Coherence;
using OnCache.Agent.Telemetry;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;

namespace OnCache.EndToEnd;

/// <summary>The network beneath the overlay changes: paths are followed, withdrawn and restored.</summary>
public sealed class UnderlayTests(SharedLab shared) : IClassFixture<SharedLab>
{
    private const int Packets = 20;

    [Fact]
    public async Task Nothing_leaves_by_the_fast_path_once_ipsec_covers_the_tunnel()
    {
        var lab = await shared.ReadyAsync();
        var (node, peer) = (lab.Client.Node, lab.Server.Node);
        var agent = lab.AgentOf(lab.Client);
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);
        var selector = $"src {node.Address} dst {peer.Address} proto udp dport {AddressPlan.VxlanPort} dir out";
        await node.DoAsync($"ip xfrm policy add {selector} tmpl src {node.Address} dst {peer.Address} proto esp mode transport");
        try
        {
            var status = await agent.UntilAsync(status => StateOf(status, peer) != RemoteNodeState.Ready, "aware of the IPsec policy");
            var found = status.RemoteNodes.Single(remote => remote.Address == $"{peer.Address}");
            found.State.ShouldBe(RemoteNodeState.Withdrawn);
            found.Reason.ShouldNotBeNull().ShouldContain("IPsec policy");
            var (hits, arrived) = (await agent.HitsAsync(lab.Client), conversation.Echo.Received);

            // There is no key: the overlay itself lets nothing out.
            for (var i = 0; i < Packets; i++)
            {
                _ = await conversation.Socket.SendAsync("tell"u8.ToArray(), TestContext.Current.CancellationToken);
            }

            (await agent.HitsAsync(lab.Client)).Egress.ShouldBe(hits.Egress);
            conversation.Echo.Received.ShouldBe(arrived);
        }
        finally
        {
            await node.UndoAsync($"ip xfrm policy delete {selector}");
        }

        await lab.AcceleratedAsync();
        await lab.LearnAsync(conversation);
    }

    [Fact]
    public async Task Another_mac_of_the_next_hop_is_followed()
    {
        var lab = await shared.ReadyAsync();
        var (node, peer) = (lab.Client.Node, lab.Server.Node);
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);

        const string Mac = "02:00:5e:00:00:07";
        await peer.DoAsync($"ip link set {peer.UnderlayDevice} address {Mac}");
        await node.DoAsync($"ip neighbour replace {peer.Address} dev {node.UnderlayDevice} lladdr {Mac} nud reachable");

        await Eventually.HoldsAsync(() => $"{PinnedPath.Between(node, peer)?.NextHop}" == Mac, "the new MAC in the egress cache");
        await conversation.ExchangeAsync(Packets);
        await lab.LearnAsync(conversation);
    }

    [Fact]
    public async Task A_node_that_leaves_the_forwarding_table_is_given_up_and_taken_back()
    {
        var lab = await shared.ReadyAsync();
        var (node, peer) = (lab.Client.Node, lab.Server.Node);
        var agent = lab.AgentOf(lab.Client);
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);

        await node.DoAsync($"bridge fdb del {peer.TunnelMac} dev {node.TunnelDevice} dst {peer.Address} self");
        _ = await agent.UntilAsync(status => StateOf(status, peer) is null, "without the node");
        var hits = await agent.HitsAsync(lab.Client);
        _ = await conversation.Socket.SendAsync("lost"u8.ToArray(), TestContext.Current.CancellationToken);
        (await agent.HitsAsync(lab.Client)).ShouldBe(hits);

        await node.DoAsync($"bridge fdb append {peer.TunnelMac} dev {node.TunnelDevice} dst {peer.Address} self permanent");
        await lab.AcceleratedAsync();
        await lab.LearnAsync(conversation);
    }

    [Fact]
    public async Task A_tunnel_device_made_anew_is_taken_up()
    {
        var lab = await shared.ReadyAsync();
        var node = lab.Client.Node;
        var agent = lab.AgentOf(lab.Client);
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);
        var flushed = await agent.FlushesAsync(FlushCause.CniRestart);

        await node.DoAsync($"ip link delete {node.TunnelDevice}");
        // A device that is deleted goes down first.
        var status = await agent.UntilAsync(
            static status => status.Underlay.Reason?.Contains("no VXLAN device on this node", StringComparison.Ordinal) == true, "aware that the tunnel is gone");
        status.Ready.ShouldBeTrue();
        await Tunnel.MakeAsync(node, lab.Overlay);

        await lab.AcceleratedAsync();
        await lab.LearnAsync(conversation);
        (await agent.FlushesAsync(FlushCause.CniRestart) - flushed).Times.ShouldBe(1);
    }

    [Fact]
    public async Task Another_setting_of_the_tunnel_voids_everything()
    {
        const int Ttl = 9;
        var lab = await shared.ReadyAsync();
        var node = lab.Client.Node;
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);
        try
        {
            await VoidsEverythingAsync(lab, conversation, FlushCause.LinkChanged, $"ip link set {node.TunnelDevice} type vxlan id {AddressPlan.Vni} ttl {Ttl}");
        }
        finally
        {
            await node.UndoAsync($"ip link set {node.TunnelDevice} type vxlan id {AddressPlan.Vni} ttl 0");
        }
    }

    [Fact]
    public async Task A_routing_rule_voids_everything()
    {
        // For documentation: nothing is routed otherwise by it.
        const string Rule = "to 203.0.113.0/24 lookup main priority 30000";
        var lab = await shared.ReadyAsync();
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);
        try
        {
            await VoidsEverythingAsync(lab, conversation, FlushCause.RouteChanged, $"ip rule add {Rule}");
        }
        finally
        {
            await lab.Client.Node.UndoAsync($"ip rule del {Rule}");
        }
    }

    [Fact]
    public async Task A_smaller_mtu_of_the_nic_sends_larger_packets_to_the_overlay()
    {
        const int Smaller = 1400;
        var lab = await shared.ReadyAsync();
        var node = lab.Client.Node;
        var agent = lab.AgentOf(lab.Client);
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);
        await node.DoAsync($"ip link set {node.UnderlayDevice} mtu {Smaller}");
        try
        {
            var most = Smaller - AddressPlan.EncapsulationBytes;
            await Eventually.HoldsAsync(() => MtuOf(node, lab.Server.Node) == most, "the smaller MTU in the egress cache");
            await lab.LearnAsync(conversation);
            var (hits, counted) = (await agent.HitsAsync(lab.Client), await agent.ReasonAsync("mtu"));

            await conversation.ExchangeAsync(new byte[most - 28]);
            await conversation.ExchangeAsync(new byte[most - 27]);

            (await agent.HitsAsync(lab.Client) - hits).Egress.ShouldBe(1);
            (await agent.ReasonAsync("mtu") - counted).ShouldBe(1);
        }
        finally
        {
            await node.UndoAsync($"ip link set {node.UnderlayDevice} mtu {lab.Overlay.Mtu}");
        }

        await Eventually.HoldsAsync(() => MtuOf(node, lab.Server.Node) == lab.Overlay.PodMtu, "the old MTU in the egress cache");
    }

    [Fact]
    public async Task A_node_that_joins_is_reached_on_the_fast_path()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync(new LabOptions { Nodes = 3 });
        var (node, newcomer) = (lab.Overlay.Nodes[0], lab.Overlay.Nodes[2]);
        await Tunnel.ForgetAsync(node, newcomer);
        await lab.StartAsync();
        StateOf(await lab.Agents[0].StatusAsync(), newcomer).ShouldBeNull();

        await Tunnel.JoinAsync(node, newcomer);

        _ = await lab.Agents[0].UntilAsync(status => StateOf(status, newcomer) == RemoteNodeState.Ready, "ready for the new node");
        await using var conversation = new UdpConversation(lab.Client, newcomer.Pods[0]);
        await lab.LearnAsync(conversation);
    }

    /// <summary>A command at the client's node voids the verdicts of all of its pods for this cause; a cached flow is learned anew.</summary>
    private static async Task VoidsEverythingAsync(AcceleratedLab lab, UdpConversation conversation, FlushCause cause, string command)
    {
        var agent = lab.AgentOf(lab.Client);
        var (flushed, stale) = (await agent.FlushesAsync(cause), await agent.ReasonAsync("stale"));

        await lab.Client.Node.DoAsync(command);

        _ = await Eventually.ReadsAsync(
            async () => await agent.FlushesAsync(cause) - flushed,
            grown => grown.Endpoints == agent.Node.Pods.Count,
            $"all pods of the node flushed for {cause}");
        await conversation.ExchangeAsync(1);
        (await agent.ReasonAsync("stale")).ShouldBeGreaterThan(stale);
        await lab.LearnAsync(conversation);
    }

    private static int? MtuOf(LabNode node, LabNode peer) => PinnedPath.Between(node, peer)?.Mtu;

    private static RemoteNodeState? StateOf(AgentStatus status, LabNode node) =>
        status.RemoteNodes.SingleOrDefault(remote => remote.Address == $"{node.Address}")?.State;
}
