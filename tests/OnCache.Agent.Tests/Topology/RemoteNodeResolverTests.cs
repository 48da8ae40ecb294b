using OnCache.Agent.Net;
using OnCache.Agent.Topology;

namespace OnCache.Agent.Tests.Topology;

public sealed class RemoteNodeResolverTests
{
    private static readonly Ipv4Address s_far = Ipv4Address.Parse("198.51.100.2");

    private static readonly RemoteNode s_node = new()
    {
        Address = Networks.Remote,
        NicIfIndex = Networks.Eth0,
        NicMac = Networks.Eth0Mac,
        NextHop = Networks.Remote,
        NextHopMac = Networks.RemoteMac,
        VtepMac = Networks.VtepMac,
        TunnelAddress = Ipv4Address.Parse("10.244.2.0"),
        Mtu = 1450,
    };

    [Fact]
    public void A_node_on_the_same_wire_is_its_own_next_hop() => Resolve(Networks.Node).Value.ShouldBe(s_node);

    [Fact]
    public void A_node_behind_a_router_is_reached_by_the_routers_mac() =>
        Resolve(Networks.Node.WithoutFdb(Networks.Flannel).With(Networks.RemoteEntry with { RemoteAddress = s_far }))
            .Value.ShouldBe(s_node with { Address = s_far, NextHop = Networks.Router, NextHopMac = Networks.RouterMac });

    /// <summary>What is forwarded on the CNI's path is cut, or refused, by the route to the pod.</summary>
    [Theory]
    [InlineData("10.244.2.0", 1300, 1300)]
    [InlineData("10.244.2.0", 9000, 1450)]
    [InlineData("10.244.3.0", 1300, 1450)]
    [InlineData(null, 1300, 1300)]
    public void A_route_to_its_pods_may_be_for_smaller_packets(string? gateway, int mtu, int expected)
    {
        var network = Networks.Node.With(Networks.Route("10.244.2.128/25", Networks.Flannel, gateway) with { Mtu = mtu });

        Resolve(network).Value.ShouldNotBeNull().Mtu.ShouldBe(expected);
    }

    [Theory]
    [InlineData(1450, 1500, 0, 1450)]
    [InlineData(9000, 1500, 0, 1450)]
    [InlineData(1400, 1500, 0, 1400)]
    [InlineData(1450, 1500, 1400, 1350)]
    [InlineData(1450, 1400, 1500, 1350)]
    public void The_mtu_is_the_least_of_tunnel_nic_and_route(int tunnel, int nic, int route, int expected)
    {
        var network = Networks.Node
            .With(Networks.FlannelLink with { Mtu = tunnel })
            .With(Networks.Eth0Link with { Mtu = nic })
            .With(Networks.Route("192.0.2.2/32", Networks.Eth0) with { Mtu = route });

        Resolve(network).Value.ShouldNotBeNull().Mtu.ShouldBe(expected);
    }

    [Fact]
    public void Results_come_by_address_one_for_each_remote_endpoint()
    {
        var network = Networks.Node
            .With(Networks.RemoteEntry with { Mac = MacAddress.Parse("02:00:00:00:04:09"), RemoteAddress = s_far })
            .With(Networks.RemoteEntry with { Mac = MacAddress.Parse("02:00:00:00:04:0a"), RemoteAddress = null, RemoteIsOther = true });

        RemoteNodeResolver.Resolve(network, Underlay(network)).Select(static result => result.Address).ShouldBe([Networks.Remote, s_far]);
    }

    [Fact]
    public void Of_several_stations_the_gateway_is_the_vtep()
    {
        var network = Networks.Node.With(Networks.RemoteEntry with { Mac = MacAddress.Parse("02:00:00:00:04:09") });

        Resolve(network).Value.ShouldBe(s_node);
    }

    [Fact]
    public void An_override_that_repeats_the_tunnels_values_is_none() =>
        Resolve(Networks.Node.With(Networks.RemoteEntry with { RemotePort = 8472, RemoteVni = 1 })).Value.ShouldBe(s_node);

    [Fact]
    public void Another_source_matters_only_without_a_local_address()
    {
        var network = Networks.Node.With(Networks.Route("192.0.2.2/32", Networks.Eth0)
            with
        { PreferredSource = Ipv4Address.Parse("192.0.2.9") });

        Resolve(network).Value.ShouldBe(s_node);
    }

    [Theory]
    [InlineData(NeighbourState.Reachable)]
    [InlineData(NeighbourState.Stale)]
    [InlineData(NeighbourState.Delay)]
    [InlineData(NeighbourState.Probe)]
    [InlineData(NeighbourState.NoArp)]
    [InlineData(NeighbourState.Permanent)]
    internal void A_next_hop_the_kernel_would_send_to_is_good(NeighbourState state) =>
        Resolve(Networks.Node.With(new Neighbour(Networks.Eth0, Networks.Remote, Networks.RemoteMac, state))).Value.ShouldBe(s_node);

    public static TheoryData<string, string, string> Refusals => new()
    {
        { "several stations", nameof(RemoteNodeReason.AmbiguousStation),
            "remote node 192.0.2.2: several stations are behind it on flannel.1 and 0 of them are gateways, must be 1" },
        { "several gateways", nameof(RemoteNodeReason.AmbiguousStation),
            "remote node 192.0.2.2: several stations are behind it on flannel.1 and 2 of them are gateways, must be 1" },
        { "port", nameof(RemoteNodeReason.ForwardingOverride),
            "remote node 192.0.2.2: forwarding entry 02:00:00:00:04:02 on flannel.1 "
            + "has a port, VNI or device of its own, must use the tunnel's" },
        { "vni", nameof(RemoteNodeReason.ForwardingOverride),
            "remote node 192.0.2.2: forwarding entry 02:00:00:00:04:02 on flannel.1 "
            + "has a port, VNI or device of its own, must use the tunnel's" },
        { "via", nameof(RemoteNodeReason.ForwardingOverride),
            "remote node 192.0.2.2: forwarding entry 02:00:00:00:04:02 on flannel.1 "
            + "has a port, VNI or device of its own, must use the tunnel's" },
        { "no route", nameof(RemoteNodeReason.NoRoute), "remote node 192.0.2.2: no route" },
        { "route of another device", nameof(RemoteNodeReason.NoRoute), "remote node 192.0.2.2: no route" },
        { "device gone", nameof(RemoteNodeReason.NoRoute),
            "remote node 192.0.2.2: route 192.0.2.2/32 leaves by ifindex 99, which is gone" },
        { "blackhole", nameof(RemoteNodeReason.RouteRefused),
            "remote node 192.0.2.2: a blackhole, unreachable or prohibit route covers it" },
        { "own address", nameof(RemoteNodeReason.LocalAddress), "remote node 192.0.2.2: is an address of this node, must be another's" },
        { "multipath", nameof(RemoteNodeReason.UnsupportedRoute),
            "remote node 192.0.2.2: route 192.0.2.2/32 is multipath, must have one plain next hop" },
        { "ipv6 gateway", nameof(RemoteNodeReason.UnsupportedRoute),
            "remote node 192.0.2.2: route 192.0.2.2/32 is via an IPv6 gateway, must have one plain next hop" },
        { "encapsulating", nameof(RemoteNodeReason.UnsupportedRoute),
            "remote node 192.0.2.2: route 192.0.2.2/32 is encapsulating, must have one plain next hop" },
        { "nexthop object", nameof(RemoteNodeReason.UnsupportedRoute),
            "remote node 192.0.2.2: route 192.0.2.2/32 is by a nexthop object, must have one plain next hop" },
        { "tos", nameof(RemoteNodeReason.UnsupportedRoute),
            "remote node 192.0.2.2: route 192.0.2.2/32 is for one TOS only, must have one plain next hop" },
        { "rule", nameof(RemoteNodeReason.PolicyRouting), "remote node 192.0.2.2: routing rule 100 may send packets elsewhere" },
        { "source", nameof(RemoteNodeReason.SourceMismatch),
            "remote node 192.0.2.2: its route prefers source 192.0.2.9, must be 192.0.2.1; give flannel.1 a local address" },
        { "wireguard", nameof(RemoteNodeReason.NotEthernet),
            "remote node 192.0.2.2: its route leaves by wg0 of kind 'wireguard', must be a plain Ethernet device outside any VRF" },
        { "down", nameof(RemoteNodeReason.DeviceDown), "remote node 192.0.2.2: device eth1 is down, must be up" },
        { "no neighbour", nameof(RemoteNodeReason.NextHopUnresolved),
            "remote node 192.0.2.2: next hop 192.0.2.2 has no Ethernet address on eth0 yet" },
        { "incomplete", nameof(RemoteNodeReason.NextHopUnresolved),
            "remote node 192.0.2.2: next hop 192.0.2.2 has no Ethernet address on eth0 yet" },
        { "failed", nameof(RemoteNodeReason.NextHopFailed), "remote node 192.0.2.2: next hop 192.0.2.2 does not answer ARP on eth0" },
        { "ipsec", nameof(RemoteNodeReason.Ipsec),
            "remote node 192.0.2.2: IPsec policy 192.0.2.1/32 -> 192.0.2.2/32 (dir Out, 1 templates) covers the tunnel, "
            + "which must be without IPsec to be accelerated" },
        { "ipsec block", nameof(RemoteNodeReason.Ipsec),
            "remote node 192.0.2.2: IPsec policy 0.0.0.0/0 -> 0.0.0.0/0 (dir In, block) covers the tunnel, "
            + "which must be without IPsec to be accelerated" },
        { "mtu", nameof(RemoteNodeReason.MtuTooSmall),
            "remote node 192.0.2.2: device eth0 carries packets of 100 octets, must carry at least 118" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void A_node_that_cannot_be_accelerated_says_why(string network, string reason, string message)
    {
        var resolution = Resolve(Case(network));

        resolution.Value.ShouldBeNull();
        resolution.Refusal.ShouldNotBeNull().Message.ShouldBe(message);
        resolution.Refusal.Reason.ToString().ShouldBe(reason);
    }

    [Fact]
    public void Every_reason_has_a_case() =>
        Refusals.Select(static row => row.Data.Item2).Distinct().ShouldBe(Enum.GetNames<RemoteNodeReason>(), ignoreOrder: true);

    [Theory]
    [InlineData("no neighbour")]
    [InlineData("incomplete")]
    [InlineData("failed")]
    public void A_next_hop_without_a_mac_is_to_be_probed(string network) =>
        Resolve(Case(network)).Refusal.ShouldNotBeNull().Probe.ShouldBe(new NeighbourProbe(Networks.Eth0, Networks.Remote));

    private static NetworkSnapshot Case(string name)
    {
        var node = Networks.Node;
        var unbound = node.With(Networks.FlannelLink with { Vxlan = Networks.Vxlan with { LinkIfIndex = 0 } });
        var host = Networks.Route("192.0.2.2/32", Networks.Eth0);
        var second = Networks.RemoteEntry with { Mac = MacAddress.Parse("02:00:00:00:04:09") };
        return name switch
        {
            "several stations" => node.With(second) with { Neighbours = node.Neighbours.Remove(Networks.Flannel) },
            "several gateways" => node.With(second)
                .With(new Neighbour(Networks.Flannel, Ipv4Address.Parse("10.244.3.0"), second.Mac, NeighbourState.Permanent)),
            "port" => node.With(Networks.RemoteEntry with { RemotePort = 4789 }),
            "vni" => node.With(Networks.RemoteEntry with { RemoteVni = 2 }),
            "via" => node.With(Networks.RemoteEntry with { RemoteIfIndex = Networks.Cni0 }),
            "no route" => node.WithoutMainRoutes(),
            // The tunnel is bound to eth0.
            "route of another device" => node.WithoutMainRoutes().WithRoute("192.0.2.0/24", Networks.Cni0),
            "device gone" => unbound.WithRoute("192.0.2.2/32", 99),
            "blackhole" => node.With(host with { Type = RouteType.Blackhole, OutIfIndex = 0 }),
            "own address" => node.WithLocal(Networks.Remote),
            "multipath" => node.With(host with { Specialty = RouteSpecialty.Multipath, OutIfIndex = 0 }),
            "ipv6 gateway" => node.With(host with { Specialty = RouteSpecialty.Ipv6Gateway }),
            "encapsulating" => node.With(host with { Specialty = RouteSpecialty.Encapsulated }),
            "nexthop object" => node.With(host with { Specialty = RouteSpecialty.NexthopObject, OutIfIndex = 0 }),
            "tos" => node.With(host with { Tos = 0x10 }),
            "rule" => node.WithRule(new RoutingRule { Priority = 100, HasOtherSelectors = true, Table = 77 })
                .With(host with { Table = 77, Gateway = Networks.Router }),
            "source" => node.With(host with { PreferredSource = Ipv4Address.Parse("192.0.2.9") })
                .With(Networks.FlannelLink with { Vxlan = Networks.Vxlan with { Local = null } }),
            "wireguard" => unbound.WithRoute("192.0.2.2/32", 9)
                .With(new Link { IfIndex = 9, Name = "wg0", Kind = "wireguard", HardwareType = 65534, Flags = LinkFlags.Up }),
            "down" => unbound.WithRoute("192.0.2.2/32", 9)
                .With(Networks.Eth0Link with { IfIndex = 9, Name = "eth1", Flags = LinkFlags.None }),
            "no neighbour" => node.WithoutNeighbours(),
            "incomplete" => node.With(new Neighbour(Networks.Eth0, Networks.Remote, null, NeighbourState.Incomplete)),
            "failed" => node.With(new Neighbour(Networks.Eth0, Networks.Remote, Networks.RemoteMac, NeighbourState.Failed)),
            "ipsec" => node.With(new XfrmPolicy
            {
                Source = new Ipv4Prefix(Networks.Local, 32),
                Destination = new Ipv4Prefix(Networks.Remote, 32),
                Direction = XfrmDirection.Out,
                TemplateCount = 1,
            }),
            "ipsec block" => node.With(new XfrmPolicy { Direction = XfrmDirection.In, Action = XfrmAction.Block }),
            "mtu" => node.With(Networks.Eth0Link with { Mtu = 100 }),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such case"),
        };
    }

    private static Underlay Underlay(NetworkSnapshot network) => UnderlayResolver.Resolve(network, Networks.Options)
        .Value.ShouldNotBeNull();

    private static Resolution<RemoteNode, RemoteNodeReason> Resolve(NetworkSnapshot network) =>
        RemoteNodeResolver.Resolve(network, Underlay(network)).ShouldHaveSingleItem().Resolution;
}
