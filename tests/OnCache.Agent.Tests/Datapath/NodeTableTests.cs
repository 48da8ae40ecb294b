using System.Runtime.InteropServices;

using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>The egress cache as the agent keeps it, over the kernel's maps.</summary>
public sealed class NodeTableTests
{
    private static readonly NodeSpec s_near = Spec("192.168.77.2", ttl: 64);
    private static readonly NodeSpec s_far = Spec("192.168.78.2", ttl: 64);

    [Fact]
    public void A_node_is_written_whole()
    {
        using var kernel = new FreshDatapath();
        var table = new NodeTable(kernel.Maps, () => { });

        table.Apply([s_near]).Changed.ShouldBe([s_near.Address]);

        kernel.Maps.NodeIndex.TryGet(SlotIndex.ToNetwork(s_near.Address), out var slot).ShouldBeTrue();
        ref var entry = ref kernel.Maps.EgressCache[slot];
        entry.IfIndex.ShouldBe(7u);
        entry.NodeIp.ShouldBe(SlotIndex.ToNetwork(s_near.Address));
        entry.Mtu.ShouldBe((ushort)1450);
        entry.Tos.ShouldBe(s_near.Template.Tos);
        entry.Checksum.ShouldBe(s_near.Template.Checksum);
        MemoryMarshal.CreateSpan(ref entry.Header[0], Layout.HeaderMax).ToArray().ShouldBe(s_near.Template.Bytes);
    }

    [Fact]
    public void The_same_again_changes_nothing()
    {
        using var kernel = new FreshDatapath();
        var table = new NodeTable(kernel.Maps, () => Assert.Fail("there is nothing to wait for"));
        table.Apply([s_near, s_far]);

        // A record of its own, equal in content.
        table.Apply([s_far, Spec("192.168.77.2", ttl: 64)]).Changed.ShouldBeEmpty();
    }

    [Fact]
    public void A_template_is_rewritten_only_after_running_programs_and_keeps_its_verdicts()
    {
        using var kernel = new FreshDatapath();
        uint? seen = null;
        var table = new NodeTable(kernel.Maps, () => seen = kernel.Maps.EgressCache[1].IfIndex);
        table.Apply([s_near]);
        var epoch = kernel.Maps.EgressCache[1].Epoch;

        table.Apply([Spec("192.168.77.2", ttl: 32)]);

        seen.ShouldBe(0u, "the entry must be withdrawn while programs are awaited");
        kernel.Maps.EgressCache[1].IfIndex.ShouldBe(7u);
        kernel.Maps.EgressCache[1].Header[22].ShouldBe((byte)32);
        kernel.Maps.EgressCache[1].Epoch.ShouldBe(epoch);
    }

    [Fact]
    public void A_node_with_another_address_inside_the_tunnel_is_another_node()
    {
        using var kernel = new FreshDatapath();
        var table = new NodeTable(kernel.Maps, () => { });
        table.Apply([s_near, s_far]);
        var (near, far) = (kernel.Maps.EgressCache[1].Epoch, kernel.Maps.EgressCache[2].Epoch);

        table.Apply([s_near with { TunnelAddress = Ipv4Address.Parse("10.244.7.0") }, s_far]).Changed.ShouldBe([s_near.Address]);

        kernel.Maps.EgressCache[1].Epoch.ShouldBe(near + 1);
        kernel.Maps.EgressCache[2].Epoch.ShouldBe(far);
    }

    [Fact]
    public void A_flush_voids_the_flows_of_one_node()
    {
        using var kernel = new FreshDatapath();
        var table = new NodeTable(kernel.Maps, () => { });
        table.Apply([s_near, s_far]);
        var (near, far) = (kernel.Maps.EgressCache[1].Epoch, kernel.Maps.EgressCache[2].Epoch);

        table.Flush(s_far.Address);
        Should.NotThrow(() => table.Flush(Ipv4Address.Parse("192.0.2.1")));

        kernel.Maps.EgressCache[1].Epoch.ShouldBe(near);
        kernel.Maps.EgressCache[2].Epoch.ShouldBe(far + 1);
    }

    [Fact]
    public void A_node_that_went_leaves_no_verdict_for_the_next_one_in_its_slot()
    {
        using var kernel = new FreshDatapath();
        var table = new NodeTable(kernel.Maps, () => { });
        table.Apply([s_near]);
        var epoch = kernel.Maps.EgressCache[1].Epoch;

        table.Apply([s_far]);

        kernel.Maps.NodeIndex.Keys().ShouldBe([SlotIndex.ToNetwork(s_far.Address)]);
        kernel.Maps.EgressCache[1].NodeIp.ShouldBe(SlotIndex.ToNetwork(s_far.Address));
        kernel.Maps.EgressCache[1].Epoch.ShouldBe(epoch + 1);
    }

    [Fact]
    public void Nodes_beyond_the_size_are_named_and_left_to_the_cni()
    {
        using var kernel = new FreshDatapath(new DatapathSizes(Filter: 64, Egress: 1, Ingress: 1));
        var table = new NodeTable(kernel.Maps, () => { });

        table.Apply([s_near, s_far]).NoRoom.ShouldBe([s_far.Address]);

        table.Specs.Keys.ShouldBe([s_near.Address]);
    }

    [Fact]
    public void An_agent_that_starts_over_keeps_what_is_still_right()
    {
        using var kernel = new FreshDatapath();
        new NodeTable(kernel.Maps, () => { }).Apply([s_near, s_far]);
        var withdrawals = 0;

        var next = new NodeTable(kernel.Maps, () => withdrawals++);
        next.Apply([s_near, Spec("192.168.78.2", ttl: 32)]);

        withdrawals.ShouldBe(1);
        next.Specs.Count.ShouldBe(2);
        kernel.Maps.EgressCache[1].IfIndex.ShouldBe(7u);
        kernel.Maps.EgressCache[2].Header[22].ShouldBe((byte)32);
    }

    private static NodeSpec Spec(string address, byte ttl) => new(
        Ipv4Address.Parse(address),
        IfIndex: 7,
        Mtu: 1450,
        HeaderTemplate.Vxlan(new VxlanPath(
            MacAddress.Parse("02:0b:00:00:00:01"),
            MacAddress.Parse("02:0b:00:00:00:02"),
            Ipv4Address.Parse("192.168.77.1"),
            Ipv4Address.Parse(address),
            ttl,
            Tos: 0,
            DontFragment: false,
            UdpPort: 8472,
            Vni: 1,
            MacAddress.Parse("02:0c:00:00:00:01"),
            MacAddress.Parse("02:0c:00:00:00:02"))));
}
