using OnCache.Lab.Topology;

namespace OnCache.Lab.Tests.Topology;

public sealed class TopologyScriptTests
{
    [Fact]
    public void Two_nodes_share_one_veth_pair_and_have_no_wire_namespace()
    {
        var script = TopologyScript.Root(LabPlan.Create(new LabOptions { Name = "x" }));

        script.ShouldNotContain("wire");
        script.Split('\n').Count(line => line.Contains("type veth peer name eth0", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public void Three_nodes_meet_on_a_bridge()
    {
        var plan = LabPlan.Create(new LabOptions { Name = "x", Nodes = 3 });

        TopologyScript.Namespaces(plan).ShouldBe(
            ["oncache-x-wire", "oncache-x-n1", "oncache-x-n1p1", "oncache-x-n2", "oncache-x-n2p1", "oncache-x-n3", "oncache-x-n3p1"]);
        TopologyScript.Wire(plan).ShouldContain("link set n3 master wire0 up");
    }

    [Fact]
    public void Every_link_is_made_in_its_final_namespaces()
    {
        var script = TopologyScript.Root(LabPlan.Create(new LabOptions { Nodes = 4, Pods = 3 }));

        foreach (var line in script.Split('\n').Where(line => line.StartsWith("link add", StringComparison.Ordinal)))
        {
            line.Split(' ').Count(word => word == "netns").ShouldBe(2, line);
        }
    }

    [Fact]
    public void A_node_knows_every_other_node_by_route_neighbour_and_fdb()
    {
        var plan = LabPlan.Create(new LabOptions { Nodes = 3, Mtu = 1400 });
        var script = TopologyScript.Node(plan, plan.Nodes[0]);
        var fdb = TopologyScript.ForwardingDatabase(plan, plan.Nodes[0]);

        foreach (var peer in plan.Nodes.Skip(1))
        {
            script.ShouldContain($"route add 10.244.{peer.Index}.0/24 via 10.244.{peer.Index}.0 dev flannel.1 onlink");
            script.ShouldContain($"neighbour add 10.244.{peer.Index}.0 lladdr {peer.TunnelMac} dev flannel.1 nud permanent");
            fdb.ShouldContain($"fdb append {peer.TunnelMac} dev flannel.1 dst 192.168.77.{peer.Index} self permanent");
        }

        script.ShouldNotContain("10.244.1.0/24 via");
        script.ShouldContain("link add flannel.1 mtu 1350");
    }

    [Fact]
    public void A_pod_made_anew_keeps_its_place_only()
    {
        var (old, current) = (PodPlan.Create(1, 2), PodPlan.Create(1, 2));

        current.Name.ShouldBe(old.Name);
        current.Uid.ShouldNotBe(old.Uid);
        current.Mac.ShouldNotBe(old.Mac);
        current.HostInterface.ShouldNotBe(old.HostInterface);
        current.HostInterface.Length.ShouldBeLessThan(16);
        (Convert.ToByte(current.Mac[..2], 16) & 0x03).ShouldBe(0x02);
    }
}
