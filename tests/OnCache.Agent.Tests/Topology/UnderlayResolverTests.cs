using OnCache.Agent.Net;
using OnCache.Agent.Topology;

namespace OnCache.Agent.Tests.Topology;

public sealed class UnderlayResolverTests
{
    [Fact]
    public void Flannels_tunnel_is_found_with_all_that_builds_an_outer_header() =>
        UnderlayResolver.Resolve(Networks.Node, Networks.Options).Value.ShouldBe(new Underlay
        {
            Tunnel = new TunnelDevice
            {
                IfIndex = Networks.Flannel,
                Name = "flannel.1",
                Mac = Networks.FlannelMac,
                Vni = 1,
                Port = 8472,
                SourcePorts = new PortRange(32768, 60999),
                Ttl = 64,
                Tos = 0,
                TosInherit = false,
                DontFragment = false,
                UdpChecksum = true,
                Mtu = 1450,
                BoundIfIndex = Networks.Eth0,
            },
            Nic = new UnderlayNic(Networks.Eth0, "eth0", Networks.Eth0Mac, 1500),
            LocalAddress = Networks.Local,
        });

    [Fact]
    public void What_the_device_sets_itself_wins_over_the_defaults()
    {
        var tunnel = Resolve(Networks.Vxlan with
        {
            SourcePortLow = 40000,
            SourcePortHigh = 41000,
            Ttl = 7,
            Tos = 0x28,
            DontFragment = VxlanDontFragment.Set,
        }).Value.ShouldNotBeNull().Tunnel;

        tunnel.SourcePorts.ShouldBe(new PortRange(40000, 41000));
        tunnel.Ttl.ShouldBe((byte)7);
        tunnel.Tos.ShouldBe((byte)0x28);
        tunnel.TosInherit.ShouldBeFalse();
        tunnel.DontFragment.ShouldBeTrue();
    }

    [Fact]
    public void A_tos_of_one_means_inherit()
    {
        var tunnel = Resolve(Networks.Vxlan with { Tos = 1 }).Value.ShouldNotBeNull().Tunnel;

        tunnel.TosInherit.ShouldBeTrue();
        tunnel.Tos.ShouldBe((byte)0);
    }

    [Fact]
    public void An_empty_source_port_range_is_no_range() =>
        Resolve(Networks.Vxlan with { SourcePortLow = 5000, SourcePortHigh = 5000 }).Value.ShouldNotBeNull()
            .Tunnel.SourcePorts.ShouldBe(new PortRange(32768, 60999));

    [Fact]
    public void Without_a_device_of_its_own_the_nic_carries_the_local_address()
    {
        var underlay = Resolve(Networks.Vxlan with { LinkIfIndex = 0 }).Value.ShouldNotBeNull();

        underlay.Nic.Name.ShouldBe("eth0");
        underlay.Tunnel.BoundIfIndex.ShouldBe(0);
    }

    [Fact]
    public void With_a_device_of_its_own_the_local_address_may_be_elsewhere()
    {
        var network = Networks.Node.With(
            new Link { IfIndex = 9, Name = "eth1", Mac = Networks.RouterMac, Mtu = 9000, Flags = LinkFlags.Up });

        UnderlayResolver.Resolve(network.With(Networks.FlannelLink with { Vxlan = Networks.Vxlan with { LinkIfIndex = 9 } }),
            Networks.Options)
            .Value.ShouldNotBeNull().Nic.ShouldBe(new UnderlayNic(9, "eth1", Networks.RouterMac, 9000));
    }

    [Fact]
    public void Without_a_local_address_it_is_the_first_of_the_device() =>
        Resolve(Networks.Vxlan with { Local = null }).Value.ShouldNotBeNull().LocalAddress.ShouldBe(Networks.Local);

    [Fact]
    public void A_tunnel_that_is_down_does_not_compete()
    {
        var network = Networks.Node.With(Networks.FlannelLink with { IfIndex = 9, Name = "vxlan9", Flags = LinkFlags.None });

        UnderlayResolver.Resolve(network, Networks.Options).Value.ShouldNotBeNull().Tunnel.Name.ShouldBe("flannel.1");
    }

    [Fact]
    public void Of_several_tunnels_the_named_one_is_taken()
    {
        var network = Networks.Node.With(Networks.FlannelLink with { IfIndex = 9, Name = "vxlan9" });

        UnderlayResolver.Resolve(network, Networks.Options with { TunnelName = "vxlan9" }).Value.ShouldNotBeNull()
            .Tunnel.IfIndex.ShouldBe(9);
    }

    public static TheoryData<string, string> NicKinds => new()
    {
        { "", "" },
        { "vlan", "" },
        { "bond", "" },
        { "team", "" },
        { "bridge", "" },
        { "veth", "" },
        { "macvlan", "" },
        { "wireguard", nameof(UnderlayReason.NicNotEthernet) },
        { "tun", nameof(UnderlayReason.NicNotEthernet) },
        { "ipip", nameof(UnderlayReason.NicNotEthernet) },
        { "macsec", nameof(UnderlayReason.NicNotEthernet) },
        { "vxlan", nameof(UnderlayReason.NicNotEthernet) },
    };

    [Theory]
    [MemberData(nameof(NicKinds))]
    public void Only_kinds_known_to_be_plain_ethernet_carry_the_tunnel(string kind, string reason)
    {
        var resolution = UnderlayResolver.Resolve(Networks.Node.With(Networks.Eth0Link with { Kind = kind }), Networks.Options);

        (resolution.Refusal?.Reason.ToString() ?? "").ShouldBe(reason);
    }

    public static TheoryData<string, string, string> Refusals => new()
    {
        { "no tunnel", nameof(UnderlayReason.NoTunnel), "tunnel: no VXLAN device on this node; the CNI must run a VXLAN overlay" },
        { "no such tunnel", nameof(UnderlayReason.NoTunnel), "tunnel nope: no such device; name a VXLAN device of this node" },
        { "not a tunnel", nameof(UnderlayReason.NotVxlan), "tunnel cni0: kind is 'bridge', must be 'vxlan'" },
        { "named and down", nameof(UnderlayReason.TunnelDown), "tunnel flannel.1: device is down, must be up" },
        { "down", nameof(UnderlayReason.TunnelDown), "tunnel: VXLAN device flannel.1 is down, must be up" },
        { "several", nameof(UnderlayReason.SeveralTunnels),
            "tunnel: several VXLAN devices are up (flannel.1, vxlan9), name the one to accelerate" },
        { "external", nameof(UnderlayReason.CollectMetadata),
            "tunnel flannel.1: is 'external' (collect metadata), must have a VNI of its own" },
        { "gbp", nameof(UnderlayReason.GroupPolicy), "tunnel flannel.1: has the group policy extension (gbp), must be without it" },
        { "gpe", nameof(UnderlayReason.GenericProtocolExtension), "tunnel flannel.1: is VXLAN-GPE (gpe), must be plain VXLAN" },
        { "remcsum", nameof(UnderlayReason.RemoteChecksum),
            "tunnel flannel.1: uses remote checksum offload (remcsum), must be without it" },
        { "ttl inherit", nameof(UnderlayReason.TtlInherit), "tunnel flannel.1: has ttl inherit, must have a fixed ttl or auto" },
        { "df inherit", nameof(UnderlayReason.DontFragmentInherit), "tunnel flannel.1: has df inherit, must have df set or unset" },
        { "ipv6", nameof(UnderlayReason.Ipv6Underlay), "tunnel flannel.1: has an IPv6 underlay, must have an IPv4 local address" },
        { "address elsewhere", nameof(UnderlayReason.NoLocalAddress),
            "tunnel flannel.1: local address 192.0.2.99 is on no device of this node" },
        { "neither", nameof(UnderlayReason.NoLocalAddress),
            "tunnel flannel.1: has neither a local address nor a device, must have one of them" },
        { "bare device", nameof(UnderlayReason.NoLocalAddress), "tunnel flannel.1: its device eth9 has no IPv4 address, must have one" },
        { "device elsewhere", nameof(UnderlayReason.NoNic), "tunnel flannel.1: its device (ifindex 99) is not in this network namespace" },
        { "nic down", nameof(UnderlayReason.NicDown), "tunnel flannel.1: underlay device eth0 is down, must be up" },
        { "no ethernet", nameof(UnderlayReason.NicNotEthernet),
            "tunnel flannel.1: underlay device eth0 is of kind '', must be an Ethernet NIC, VLAN, bond or bridge" },
        { "loopback", nameof(UnderlayReason.NicNotEthernet),
            "tunnel flannel.1: underlay device eth0 is of kind '', must be an Ethernet NIC, VLAN, bond or bridge" },
        { "vrf", nameof(UnderlayReason.NicInVrf), "tunnel flannel.1: underlay device eth0 belongs to VRF red, must be in none" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void A_node_that_cannot_be_accelerated_says_why(string network, string reason, string message)
    {
        var (snapshot, tunnel) = Case(network);
        var resolution = UnderlayResolver.Resolve(snapshot, Networks.Options with { TunnelName = tunnel });

        resolution.Value.ShouldBeNull();
        resolution.Refusal.ShouldNotBeNull().Message.ShouldBe(message);
        resolution.Refusal.Reason.ToString().ShouldBe(reason);
    }

    [Fact]
    public void Every_reason_has_a_case()
    {
        var cases = Refusals.Select(static row => row.Data.Item2).Distinct();
        cases.ShouldBe(Enum.GetNames<UnderlayReason>(), ignoreOrder: true);
    }

    private static (NetworkSnapshot Network, string? Tunnel) Case(string name) => name switch
    {
        "no tunnel" => (Networks.Node with { Links = Networks.Node.Links.Remove(Networks.Flannel) }, null),
        "no such tunnel" => (Networks.Node, "nope"),
        "not a tunnel" => (Networks.Node, "cni0"),
        "named and down" => (Networks.Node.With(Networks.FlannelLink with { Flags = LinkFlags.None }), "flannel.1"),
        "down" => (Networks.Node.With(Networks.FlannelLink with { Flags = LinkFlags.None }), null),
        "several" => (Networks.Node.With(Networks.FlannelLink with { IfIndex = 9, Name = "vxlan9" }), null),
        "external" => (With(Networks.Vxlan with { CollectMetadata = true }), null),
        "gbp" => (With(Networks.Vxlan with { GroupPolicy = true }), null),
        "gpe" => (With(Networks.Vxlan with { GenericProtocolExtension = true }), null),
        "remcsum" => (With(Networks.Vxlan with { RemoteChecksum = true }), null),
        "ttl inherit" => (With(Networks.Vxlan with { TtlInherit = true }), null),
        "df inherit" => (With(Networks.Vxlan with { DontFragment = VxlanDontFragment.Inherit }), null),
        "ipv6" => (With(Networks.Vxlan with { UsesIpv6 = true, Local = null }), null),
        "address elsewhere" => (With(Networks.Vxlan with { Local = Ipv4Address.Parse("192.0.2.99") }), null),
        "neither" => (With(Networks.Vxlan with { Local = null, LinkIfIndex = 0 }), null),
        "bare device" => (With(Networks.Vxlan with { Local = null, LinkIfIndex = 9 })
            .With(Networks.Eth0Link with { IfIndex = 9, Name = "eth9" }), null),
        "device elsewhere" => (With(Networks.Vxlan with { LinkIfIndex = 99 }), null),
        "nic down" => (Networks.Node.With(Networks.Eth0Link with { Flags = LinkFlags.None }), null),
        "no ethernet" => (Networks.Node.With(Networks.Eth0Link with { HardwareType = 65534, Mac = null }), null),
        "loopback" => (Networks.Node.With(Networks.Eth0Link with { Flags = LinkFlags.Up | LinkFlags.Loopback }), null),
        "vrf" => (Networks.Node.With(Networks.Eth0Link with { MasterIfIndex = 9 })
            .With(new Link { IfIndex = 9, Name = "red", Kind = "vrf", Flags = LinkFlags.Up }), null),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such case"),
    };

    private static NetworkSnapshot With(VxlanAttributes vxlan) => Networks.Node.With(Networks.FlannelLink with { Vxlan = vxlan });

    private static Resolution<Underlay, UnderlayReason> Resolve(VxlanAttributes vxlan) =>
        UnderlayResolver.Resolve(With(vxlan), Networks.Options);
}
