using System.Collections.Immutable;
using System.Text.Json;

using OnCache.Agent.Net;

namespace OnCache.Agent.Tests.Net;

public sealed class NetworkSnapshotLiveTests
{
    [Fact]
    public void Links_are_those_ip_reports()
    {
        using var node = FlannelNode.Create();
        var links = Reported();
        var snapshot = node.Read();
        // The kernel says a moment after a device came up that it is up: to be compared, both have to be of the same moment.
        for (var again = Reported(); !links.SequenceEqual(again); again = Reported())
        {
            links = again;
            snapshot = node.Read();
        }

        snapshot.Links.Values.ToDictionary(
            static link => link.IfIndex,
            link => (
                (string?)link.Name,
                (string?)link.Kind,
                link.Mac?.ToString(),
                link.Mtu,
                link.IsUp,
                (string?)link.OperationalState.ToString().ToUpperInvariant(),
                link.MasterIfIndex == 0 ? null : snapshot.NameOf(link.MasterIfIndex),
                link.PeerNamespaceId,
                (string?)link.QueueingDiscipline)).ShouldBe(links, ignoreOrder: true);

        Dictionary<int, (string? Name, string? Kind, string? Mac, int Mtu, bool Up, string? State, string? Master, int? Namespace, string? Qdisc)> Reported() =>
            Entries(node.Network.Ip("-d -j link")).ToDictionary(
                static link => link.GetProperty("ifindex").GetInt32(),
                static link => (
                    Name: link.GetProperty("ifname").GetString(),
                    Kind: link.TryGetProperty("linkinfo", out var info) ? info.GetProperty("info_kind").GetString() : "",
                    Mac: link.GetProperty("address").GetString(),
                    Mtu: link.GetProperty("mtu").GetInt32(),
                    Up: link.GetProperty("flags").EnumerateArray().Any(static flag => flag.GetString() == "UP"),
                    State: link.GetProperty("operstate").GetString(),
                    Master: link.TryGetProperty("master", out var master) ? master.GetString() : null,
                    Namespace: link.TryGetProperty("link_netnsid", out var id) ? id.GetInt32() : (int?)null,
                    Qdisc: link.GetProperty("qdisc").GetString()));
    }

    [Fact]
    public void Vxlan_attributes_are_those_the_device_was_made_with()
    {
        using var network = TestNamespace.Create();
        network.IpBatch(
            "link add eth0 type veth peer name wire",
            "address add 192.0.2.1/24 dev eth0",
            "link add set type vxlan id 42 local 192.0.2.1 dev eth0 dstport 8472 srcport 40000 41000 "
            + "ttl 7 tos 0x28 df set nolearning noudpcsum",
            "link add auto type vxlan id 43 local 192.0.2.1 dstport 4789 tos inherit udpcsum",
            "link add inherit type vxlan id 44 dstport 4790 ttl inherit df inherit gbp",
            "link add six type vxlan id 45 local 2001:db8::1 dstport 4791",
            "link add external type vxlan dstport 4792 external",
            "link add gpe type vxlan dstport 4793 external gpe",
            "link add remcsum type vxlan id 47 dstport 4794 remcsumtx remcsumrx");
        var snapshot = network.Run(NetworkSnapshotReader.Read);

        VxlanAttributes Vxlan(string name) => snapshot.LinkByName(name)!.Vxlan!;
        Vxlan("set").ShouldBe(new VxlanAttributes
        {
            Id = 42,
            Port = 8472,
            SourcePortLow = 40000,
            SourcePortHigh = 41000,
            Local = Ipv4Address.Parse("192.0.2.1"),
            LinkIfIndex = snapshot.LinkByName("eth0")!.IfIndex,
            Ttl = 7,
            Tos = 0x28,
            DontFragment = VxlanDontFragment.Set,
        });
        Vxlan("auto").ShouldBe(new VxlanAttributes
        {
            Id = 43,
            Port = 4789,
            Local = Ipv4Address.Parse("192.0.2.1"),
            Tos = VxlanAttributes.InheritTos,
            Learning = true,
            UdpChecksum = true,
        });
        Vxlan("inherit").TtlInherit.ShouldBeTrue();
        Vxlan("inherit").DontFragment.ShouldBe(VxlanDontFragment.Inherit);
        Vxlan("inherit").GroupPolicy.ShouldBeTrue();
        Vxlan("inherit").Local.ShouldBeNull();
        Vxlan("six").UsesIpv6.ShouldBeTrue();
        Vxlan("external").CollectMetadata.ShouldBeTrue();
        Vxlan("gpe").GenericProtocolExtension.ShouldBeTrue();
        Vxlan("remcsum").RemoteChecksum.ShouldBeTrue();
    }

    [Fact]
    public void A_device_made_without_a_word_on_checksums_has_them()
    {
        // What flannel gets, and the reason why checksums do not speak against acceleration.
        using var network = TestNamespace.Create();
        network.Ip("link add vxlan0 type vxlan id 1 local 192.0.2.1 dstport 8472");

        network.Run(NetworkSnapshotReader.Read).LinkByName("vxlan0")!.Vxlan!.UdpChecksum.ShouldBeTrue();
    }

    [Fact]
    public void Addresses_are_those_ip_reports()
    {
        using var node = FlannelNode.Create();
        node.Network.Ip("address add 192.0.2.11/24 dev eth0");
        var snapshot = node.Read();

        var addresses = Entries(node.Network.Ip("-4 -j address")).SelectMany(static link => link.GetProperty("addr_info").EnumerateArray()
            .Select(address => (
                link.GetProperty("ifname").GetString(),
                address.GetProperty("local").GetString(),
                address.GetProperty("prefixlen").GetInt32(),
                address.TryGetProperty("secondary", out _))));
        snapshot.Addresses.Values.SelectMany(static device => device)
            .Select(address => ((string?)snapshot.NameOf(address.IfIndex), (string?)address.Address.ToString(), address.PrefixLength,
                address.Secondary))
            .ShouldBe(addresses, ignoreOrder: true);
    }

    [Fact]
    public void Routes_of_every_table_are_those_ip_reports()
    {
        using var node = FlannelNode.Create();
        node.Network.IpBatch(
            "route add 198.51.100.0/24 via 192.0.2.254 metric 7 src 192.0.2.1 mtu 1300",
            "route add blackhole 198.51.101.0/24",
            "route add throw 198.51.102.0/24 table 77",
            "route add 198.51.103.0/24 table 1000 dev eth0 scope link");
        var snapshot = node.Read();

        var routes = Entries(node.Network.Ip("-4 -d -j route show table all")).Select(static route => (
            Type: route.TryGetProperty("type", out var type) ? type.GetString() : "unicast",
            Destination: Destination(route.GetProperty("dst").GetString()!),
            Table: Number(route, "table", "main"),
            Gateway: Text(route, "gateway"),
            Device: Text(route, "dev"),
            Source: Text(route, "prefsrc"),
            Metric: route.TryGetProperty("metric", out var metric) ? metric.GetUInt32() : 0,
            OnLink: route.GetProperty("flags").EnumerateArray().Any(static flag => flag.GetString() == "onlink")));
        var ours = snapshot.RouteTables.Values.SelectMany(static table => table.Routes).ToList();
        ours.Select(route => (
            (string?)route.Type.ToString().ToLowerInvariant(),
            route.Destination.ToString(),
            route.Table,
            route.Gateway?.ToString(),
            route.OutIfIndex == 0 ? null : snapshot.NameOf(route.OutIfIndex),
            route.PreferredSource?.ToString(),
            route.Priority,
            route.OnLink)).ShouldBe(routes, ignoreOrder: true);
        ours.Single(static route => route.Priority == 7).Mtu.ShouldBe(1300);
    }

    [Fact]
    public void Routes_with_special_next_hops_say_so()
    {
        using var node = FlannelNode.Create();
        node.Network.IpBatch(
            "route add 198.51.100.0/24 nexthop via 192.0.2.253 nexthop via 192.0.2.254",
            "nexthop add id 9 via 192.0.2.253 dev eth0",
            "route add 198.51.101.0/24 nhid 9");
        var snapshot = node.Read();

        Ipv4Route Route(string destination) =>
            snapshot.RouteTables[Ipv4Route.MainTable].Alternatives(Ipv4Prefix.Parse(destination)).ShouldHaveSingleItem();
        Route("198.51.100.0/24").Specialty.ShouldBe(RouteSpecialty.Multipath);
        // In the kernel's compatibility mode, the default, the object's next hop is repeated in the route.
        Route("198.51.101.0/24").Gateway.ShouldBe(Ipv4Address.Parse("192.0.2.253"));
    }

    /// <summary>One that is replaced by another must not pass for the same.</summary>
    [Theory]
    [InlineData("fwmark 0x1", "fwmark 0x2")]
    [InlineData("fwmark 0x1/0x1", "fwmark 0x1/0x3")]
    [InlineData("iif lo", "oif lo")]
    [InlineData("ipproto tcp dport 80", "ipproto tcp dport 81")]
    [InlineData("tos 0x10", "tos 0x08")]
    [InlineData("", "fwmark 0x1")]
    public void Rules_that_select_otherwise_are_two(string one, string other)
    {
        using var network = TestNamespace.Create();
        network.IpBatch($"rule add priority 100 {one} lookup 77");
        var before = network.Run(NetworkSnapshotReader.Read).Rules;
        network.Run(NetworkSnapshotReader.Read).Rules.ShouldBe(before);

        network.IpBatch("rule del priority 100", $"rule add priority 100 {other} lookup 77");

        network.Run(NetworkSnapshotReader.Read).Rules.ShouldNotBe(before);
    }

    [Fact]
    public void Rules_are_those_ip_reports()
    {
        using var network = TestNamespace.Create();
        network.IpBatch(
            "rule add priority 100 from 10.0.0.0/8 to 192.0.2.0/24 lookup 77",
            "rule add priority 101 fwmark 0x80/0x80 lookup 78",
            "rule add priority 102 not from 10.0.0.0/8 lookup main suppress_prefixlength 0",
            "rule add priority 103 iif lo prohibit",
            "rule add priority 104 tos 0x10 lookup 78");

        network.Run(NetworkSnapshotReader.Read).Rules.Select(static rule => rule with { OtherSelectors = 0 }).ShouldBe(
        [
            new RoutingRule { Priority = 0, Table = Ipv4Route.LocalTable },
            new RoutingRule { Priority = 100, Source = Ipv4Prefix.Parse("10.0.0.0/8"), Destination = Ipv4Prefix.Parse("192.0.2.0/24"),
                Table = 77 },
            new RoutingRule { Priority = 101, HasOtherSelectors = true, Table = 78 },
            new RoutingRule { Priority = 102, Source = Ipv4Prefix.Parse("10.0.0.0/8"), Invert = true, Table = Ipv4Route.MainTable,
                SuppressPrefixLength = 0 },
            new RoutingRule { Priority = 103, HasOtherSelectors = true, Action = RuleAction.Prohibit },
            new RoutingRule { Priority = 104, HasOtherSelectors = true, SelectsByTos = true, Table = 78 },
            new RoutingRule { Priority = 32766, Table = Ipv4Route.MainTable },
            new RoutingRule { Priority = 32767, Table = Ipv4Route.DefaultTable },
        ]);
    }

    [Fact]
    public void Neighbours_are_those_ip_reports()
    {
        using var node = FlannelNode.Create();
        node.Network.IpBatch(
            "neighbour add 192.0.2.20 lladdr 02:00:00:00:09:20 dev eth0 nud stale",
            "neighbour add 192.0.2.21 lladdr 02:00:00:00:09:21 dev eth0 nud noarp");
        var snapshot = node.Read();

        var neighbours = Entries(node.Network.Ip("-4 -j neighbour show nud all"))
            .Select(static neighbour => (
                Address: neighbour.GetProperty("dst").GetString(),
                Device: neighbour.GetProperty("dev").GetString(),
                Mac: Text(neighbour, "lladdr"),
                State: string.Join(", ", neighbour.GetProperty("state").EnumerateArray().Select(static state => state.GetString()))))
            .Where(static neighbour => !IsMulticast(neighbour.Address!)).ToList();
        neighbours.Count.ShouldBe(5);
        snapshot.Neighbours.Values.SelectMany(static device => device.Values)
            .Select(neighbour => (
                Address: (string?)neighbour.Address.ToString(),
                Device: (string?)snapshot.NameOf(neighbour.IfIndex),
                Mac: neighbour.Mac?.ToString(),
                State: neighbour.State.ToString().ToUpperInvariant()))
            .Where(static neighbour => !IsMulticast(neighbour.Address!))
            .ShouldBe(neighbours, ignoreOrder: true);
    }

    [Fact]
    public void Unicast_forwarding_entries_are_those_bridge_reports()
    {
        using var node = FlannelNode.Create();
        var snapshot = node.Read();

        var entries = Entries(node.Network.Bridge("-j fdb show")).Select(static entry => (
            Mac: entry.GetProperty("mac").GetString()!,
            Device: entry.GetProperty("ifname").GetString(),
            Master: Text(entry, "master"),
            Destination: Text(entry, "dst"),
            Vlan: entry.TryGetProperty("vlan", out var vlan) ? vlan.GetUInt16() : (ushort)0,
            Self: entry.GetProperty("flags").EnumerateArray().Any(static flag => flag.GetString() == "self")))
            .Where(static entry => MacAddress.Parse(entry.Mac) is { IsGroup: false, IsZero: false });
        snapshot.Fdb.Values.SelectMany(static device => device.Values)
            .Select(entry => (
                entry.Mac.ToString(),
                (string?)snapshot.NameOf(entry.IfIndex),
                entry.MasterIfIndex == 0 || entry.MasterIfIndex == entry.IfIndex ? null : snapshot.NameOf(entry.MasterIfIndex),
                entry.RemoteAddress?.ToString(),
                entry.Vlan,
                entry.Self))
            .ShouldBe(entries.Select(static entry => (entry.Mac, entry.Device, entry.Master == entry.Device ? null : entry.Master,
                entry.Destination, entry.Vlan, entry.Self)), ignoreOrder: true);
    }

    [Fact]
    public void Overrides_of_a_forwarding_entry_are_kept()
    {
        using var node = FlannelNode.Create();
        node.Network.Bridge("fdb add 02:00:00:00:00:77 dev flannel.1 dst 192.0.2.77 port 9999 vni 5 via eth0 self");
        var snapshot = node.Read();

        var entry = snapshot.FdbOf(node.IfIndex("flannel.1")).Single(static entry => entry.Mac == MacAddress.Parse("02:00:00:00:00:77"));
        entry.RemotePort.ShouldBe((ushort)9999);
        entry.RemoteVni.ShouldBe(5u);
        entry.RemoteIfIndex.ShouldBe(node.IfIndex("eth0"));
    }

    [Fact]
    public void Qdiscs_and_filters_of_both_directions_are_found()
    {
        using var node = FlannelNode.Create();
        node.Network.Tc($"qdisc add dev {FlannelNode.PodVeth} root handle 1: tbf rate 1mbit burst 32kbit latency 400ms");
        node.Network.Tc($"qdisc add dev {FlannelNode.PodVeth} clsact");
        node.Network.Tc($"filter add dev {FlannelNode.PodVeth} ingress prio 3 handle 7 bpf bytecode \"1,6 0 0 0\"");
        node.Network.Tc($"filter add dev {FlannelNode.PodVeth} egress prio 5 bpf bytecode \"1,6 0 0 0\"");
        node.Network.Tc("qdisc add dev cni0 ingress");
        var snapshot = node.Read();

        var veth = node.IfIndex(FlannelNode.PodVeth);
        snapshot.Qdiscs[veth].Select(static qdisc => (qdisc.Kind, qdisc.Parent))
            .ShouldBe([("tbf", Qdisc.Root), ("clsact", Qdisc.Clsact)], ignoreOrder: true);
        snapshot.Filters[veth].ShouldBe(
        [
            new TcFilter(veth, TcDirection.Ingress, "bpf", 3, 7),
            new TcFilter(veth, TcDirection.Egress, "bpf", 5, 1),
        ]);
        snapshot.Filters.ContainsKey(node.IfIndex("cni0")).ShouldBeFalse();
    }

    [Fact]
    public void Filters_of_an_ingress_qdisc_are_not_listed_twice()
    {
        using var node = FlannelNode.Create();
        node.Network.Tc($"qdisc add dev {FlannelNode.PodVeth} ingress");
        node.Network.Tc($"filter add dev {FlannelNode.PodVeth} ingress prio 3 bpf bytecode \"1,6 0 0 0\"");
        var snapshot = node.Read();

        snapshot.Filters[node.IfIndex(FlannelNode.PodVeth)].ShouldHaveSingleItem().Direction.ShouldBe(TcDirection.Ingress);
    }

    [Fact]
    public void Ipsec_policies_carry_selector_direction_action_and_templates()
    {
        using var network = TestNamespace.Create();
        network.RequireIpsec();
        network.IpBatch(
            "xfrm policy add src 192.0.2.1/32 dst 192.0.2.0/24 proto udp dport 8472 dir out priority 7 "
            + "tmpl src 192.0.2.1 dst 192.0.2.2 proto esp mode transport",
            "xfrm policy add src 10.0.0.0/8 dst 192.0.2.1/32 dir in action block mark 5 mask 0xff",
            "xfrm policy add src 2001:db8::/32 dst 2001:db8::/32 dir out action block",
            "xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir fwd if_id 9");

        var policies = network.Run(NetworkSnapshotReader.Read).XfrmPolicies;
        policies.Select(static policy => policy with { Index = 0 }).ShouldBe(
        [
            new XfrmPolicy
            {
                Source = Ipv4Prefix.Parse("192.0.2.1/32"),
                Destination = Ipv4Prefix.Parse("192.0.2.0/24"),
                Protocol = 17,
                DestinationPort = 8472,
                DestinationPortMask = 0xffff,
                Direction = XfrmDirection.Out,
                Priority = 7,
                TemplateCount = 1,
            },
            new XfrmPolicy
            {
                Source = Ipv4Prefix.Parse("10.0.0.0/8"),
                Destination = Ipv4Prefix.Parse("192.0.2.1/32"),
                Direction = XfrmDirection.In,
                Action = XfrmAction.Block,
                HasMark = true,
            },
            new XfrmPolicy { Direction = XfrmDirection.Forward, InterfaceId = 9 },
        ], ignoreOrder: true);
    }

    [Fact]
    public void A_large_forwarding_table_is_read_whole()
    {
        using var node = FlannelNode.Create();
        const int Count = 3000;
        node.Network.BridgeBatch(Enumerable.Range(0, Count).Select(static i =>
            $"fdb add 02:00:00:01:{i >> 8:x2}:{i & 0xff:x2} dev flannel.1 dst 10.1.{i >> 8}.{i & 0xff} self"));

        node.Read().Fdb[node.IfIndex("flannel.1")].Values.Count(static entry => entry.RemoteAddress is { } remote
            && Ipv4Prefix.Parse("10.1.0.0/16").Contains(remote)).ShouldBe(Count);
    }

    private static ImmutableArray<JsonElement> Entries(string json) =>
        [.. JsonDocument.Parse(json).RootElement.EnumerateArray().Where(static entry => entry.EnumerateObject().Any())];

    // The kernel makes such entries when it sends an IGMP report, at a moment of its own.
    private static bool IsMulticast(string address) => Ipv4Prefix.Parse("224.0.0.0/4").Contains(Ipv4Address.Parse(address));

    private static string? Text(JsonElement element, string property) =>
        element.TryGetProperty(property, out var value) ? value.GetString() : null;

    private static uint Number(JsonElement route, string property, string absent) => (Text(route, property) ?? absent) switch
    {
        "main" => Ipv4Route.MainTable,
        "local" => Ipv4Route.LocalTable,
        var number => uint.Parse(number, System.Globalization.CultureInfo.InvariantCulture),
    };

    private static string Destination(string text) => text == "default" ? "0.0.0.0/0" : Ipv4Prefix.Parse(text).ToString();
}
