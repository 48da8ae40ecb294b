using System.Net;
using OnCache.Lab.Cluster;
using OnCache.Lab.Cluster.Nodes;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Tests.Cluster.Nodes;

public sealed class ClusterTopologyTests
{
    private static readonly TunnelEnd Own = new(AddressPlan.Node(1), IPNetwork.Parse("10.244.3.0/24"), "02:00:00:00:00:01");
    private static readonly TunnelEnd Peer = new(AddressPlan.Node(2), IPNetwork.Parse("10.244.0.0/24"), "02:00:00:00:00:02");

    [Fact]
    public void Every_link_is_made_in_its_final_namespaces()
    {
        var links = ClusterTopology.Root(new ClusterNames("x"), nodes: 3, mtu: 1400).Split('\n')
            .Where(line => line.StartsWith("link add", StringComparison.Ordinal)).ToArray();

        links.Length.ShouldBe(4);
        links.ShouldAllBe(line => line.Split(' ').Count(word => word == "netns") == 2);
        links.ShouldAllBe(line => line.Split(' ').Count(word => word == "1400") == 2);
    }

    [Fact]
    public void The_overlay_follows_the_ranges_the_nodes_were_given()
    {
        var script = ClusterTopology.Overlay(Own, [Peer], mtu: 1400);

        script.ShouldContain("link add flannel.1 mtu 1350 address 02:00:00:00:00:01 type vxlan id 1 local 192.168.77.1 ");
        script.ShouldContain("address add 10.244.3.0/32 dev flannel.1");
        script.ShouldContain("route add 10.244.0.0/24 via 10.244.0.0 dev flannel.1 onlink");
        script.ShouldContain("neighbour add 10.244.0.0 lladdr 02:00:00:00:00:02 dev flannel.1 nud permanent");
        script.ShouldNotContain("10.244.3.0/24");
        ClusterTopology.ForwardingDatabase([Peer]).ShouldBe("fdb append 02:00:00:00:00:02 dev flannel.1 dst 192.168.77.2 self permanent\n");
    }

    [Fact]
    public void The_control_plane_finds_pods_by_their_nodes() =>
        ClusterTopology.ControlPlaneRoutes([Own]).ShouldBe("route replace 10.244.3.0/24 via 192.168.77.1\n");
}
