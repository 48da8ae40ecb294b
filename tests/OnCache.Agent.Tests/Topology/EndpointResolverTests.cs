using OnCache.Agent.Net;
using OnCache.Agent.Topology;

namespace OnCache.Agent.Tests.Topology;

public sealed class EndpointResolverTests
{
    private const int CaliVeth = 7;

    private static readonly Ipv4Address s_caliPod = Ipv4Address.Parse("10.244.7.7");

    private static readonly NetworkSnapshot s_calico = Networks.Node
        .With(Networks.PodLink with { IfIndex = CaliVeth, Name = "cali7", MasterIfIndex = 0, Mac = MacAddress.Parse("ee:ee:ee:ee:ee:ee") })
        .WithRoute("10.244.7.7/32", CaliVeth)
        .With(new Neighbour(CaliVeth, s_caliPod, Networks.PodMac, NeighbourState.Stale));

    private static readonly EndpointAttachment s_attachment = new()
    {
        HostIfIndex = Networks.PodVeth,
        HostIfName = "vethpod",
        BridgeIfIndex = Networks.Cni0,
        PodMac = Networks.PodMac,
        GatewayMac = Networks.Cni0Mac,
        Mtu = 1450,
    };

    [Fact]
    public void A_pod_behind_a_bridge_is_found_by_neighbour_and_forwarding_entry() => Resolve(Networks.Node).Value.ShouldBe(s_attachment);

    [Theory]
    [InlineData(1450, 1450, 0, 1450)]
    [InlineData(1400, 1450, 0, 1400)]
    [InlineData(1450, 1300, 0, 1300)]
    [InlineData(1450, 1450, 1200, 1200)]
    [InlineData(1450, 1450, 9000, 1450)]
    public void The_mtu_is_the_least_of_veth_bridge_and_route(int veth, int bridge, int route, int expected)
    {
        var network = Networks.Node
            .With(Networks.PodLink with { Mtu = veth })
            .With(Networks.BridgeLink with { Mtu = bridge })
            .With(Networks.Route("10.244.1.0/25", Networks.Cni0) with { Mtu = route });

        Resolve(network).Value.ShouldNotBeNull().Mtu.ShouldBe(expected);
    }

    [Fact]
    public void A_pod_behind_its_own_route_is_found_by_route_and_neighbour() =>
        EndpointResolver.Resolve(s_calico, new BridgePorts(s_calico), s_caliPod, static _ => false).Value.ShouldBe(new EndpointAttachment
        {
            HostIfIndex = CaliVeth,
            HostIfName = "cali7",
            BridgeIfIndex = 0,
            PodMac = Networks.PodMac,
            GatewayMac = MacAddress.Parse("ee:ee:ee:ee:ee:ee"),
            Mtu = 1450,
        });

    [Fact]
    public void A_ports_own_address_is_not_a_station()
    {
        var network = Networks.Node.With(Networks.BridgeLink
            with
        { IfIndex = 9, Name = "port9", Kind = "veth", MasterIfIndex = Networks.Cni0 })
            .With(Networks.PodEntry with { IfIndex = 9, Permanent = true });

        Resolve(network).Value.ShouldBe(s_attachment);
    }

    [Fact]
    public void Another_bridge_with_the_same_station_does_not_matter()
    {
        var network = Networks.Node.With(Networks.PodLink with { IfIndex = 9, Name = "other", MasterIfIndex = 99 })
            .With(Networks.PodEntry with { IfIndex = 9, MasterIfIndex = 99 });

        Resolve(network).Value.ShouldBe(s_attachment);
    }

    public static TheoryData<string, string, string> Refusals => new()
    {
        { "no route", nameof(EndpointReason.NoRoute), "pod 10.244.1.2: no route" },
        { "device gone", nameof(EndpointReason.NoRoute), "pod 10.244.1.2: route 10.244.1.0/24 leaves by ifindex 4, which is gone" },
        { "host network", nameof(EndpointReason.LocalAddress), "pod 10.244.1.2: is an address of this node, must be a pod's own" },
        { "gateway", nameof(EndpointReason.UnsupportedRoute),
            "pod 10.244.1.2: its route goes through gateway 192.0.2.254, must be a neighbour of this node" },
        { "multipath", nameof(EndpointReason.UnsupportedRoute), "pod 10.244.1.2: route 10.244.1.2/32 must have one plain next hop" },
        { "rule", nameof(EndpointReason.PolicyRouting), "pod 10.244.1.2: routing rule 100 may send its packets elsewhere" },
        { "nic", nameof(EndpointReason.NotVeth), "pod 10.244.1.2: its route leaves by eth0 of kind '', must be a bridge or a veth" },
        { "no mac", nameof(EndpointReason.NotVeth), "pod 10.244.1.2: cni0 has no Ethernet address" },
        { "port", nameof(EndpointReason.NotVeth), "pod 10.244.1.2: port vethpod of bridge cni0 is of kind 'tun', must be a veth" },
        { "peer here", nameof(EndpointReason.PeerNotInPod),
            "pod 10.244.1.2: the other end of vethpod is eth0 in this network namespace, must be in the pod's" },
        { "bridge down", nameof(EndpointReason.DeviceDown), "pod 10.244.1.2: cni0 is down, must be up" },
        { "veth down", nameof(EndpointReason.DeviceDown), "pod 10.244.1.2: vethpod is down, must be up" },
        { "no neighbour", nameof(EndpointReason.NeighbourUnresolved), "pod 10.244.1.2: has no Ethernet address on cni0 yet" },
        { "failed", nameof(EndpointReason.NeighbourUnresolved), "pod 10.244.1.2: has no Ethernet address on cni0 yet" },
        { "no port", nameof(EndpointReason.PortUnknown), "pod 10.244.1.2: bridge cni0 does not know the port of 02:00:00:00:02:02 yet" },
        { "two ports", nameof(EndpointReason.Ambiguous),
            "pod 10.244.1.2: bridge cni0 has 02:00:00:00:02:02 behind vethpod, veth9, must be one port" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void A_pod_that_cannot_be_accelerated_says_why(string network, string reason, string message)
    {
        var resolution = Resolve(Case(network));

        resolution.Value.ShouldBeNull();
        resolution.Refusal.ShouldNotBeNull().Message.ShouldBe(message);
        resolution.Refusal.Reason.ToString().ShouldBe(reason);
    }

    [Fact]
    public void Every_reason_has_a_case() =>
        Refusals.Select(static row => row.Data.Item2).Distinct().ShouldBe(Enum.GetNames<EndpointReason>(), ignoreOrder: true);

    [Theory]
    [InlineData("no neighbour")]
    [InlineData("failed")]
    [InlineData("no port")]
    public void A_pod_the_kernel_does_not_know_yet_is_to_be_probed(string network) =>
        Resolve(Case(network)).Refusal.ShouldNotBeNull().Probe.ShouldBe(new NeighbourProbe(Networks.Cni0, Networks.Pod));

    private static NetworkSnapshot Case(string name)
    {
        var node = Networks.Node;
        return name switch
        {
            "no route" => node.WithoutMainRoutes(),
            "device gone" => node with { Links = node.Links.Remove(Networks.Cni0) },
            "host network" => node.WithLocal(Networks.Pod),
            "gateway" => node.WithRoute("10.244.1.2/32", Networks.Eth0, "192.0.2.254"),
            "multipath" => node.With(Networks.Route("10.244.1.2/32", 0) with { Specialty = RouteSpecialty.Multipath }),
            "rule" => node.WithRule(new RoutingRule { Priority = 100, HasOtherSelectors = true, Table = 77 })
                .With(Networks.Route("0.0.0.0/0", Networks.Eth0) with { Table = 77 }),
            "nic" => node.WithRoute("10.244.1.2/32", Networks.Eth0),
            "no mac" => node.With(Networks.BridgeLink with { Mac = null }),
            "port" => node.With(Networks.PodLink with { Kind = "tun" }),
            "peer here" => node.With(Networks.PodLink with { PeerNamespaceId = null }),
            "bridge down" => node.With(Networks.BridgeLink with { Flags = LinkFlags.None }),
            "veth down" => node.With(Networks.PodLink with { Flags = LinkFlags.None }),
            "no neighbour" => node.WithoutNeighbours(),
            "failed" => node.With(new Neighbour(Networks.Cni0, Networks.Pod, Networks.PodMac, NeighbourState.Failed)),
            "no port" => node.WithoutFdb(Networks.PodVeth),
            "two ports" => node.With(Networks.PodLink with { IfIndex = 9, Name = "veth9" })
                .With(Networks.PodEntry with { IfIndex = 9, Vlan = 5 }),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such case"),
        };
    }

    private static Resolution<EndpointAttachment, EndpointReason> Resolve(NetworkSnapshot network) =>
        EndpointResolver.Resolve(network, new BridgePorts(network), Networks.Pod, static _ => false);
}
