using System.Threading.Channels;

using OnCache.Agent.Net;

namespace OnCache.Agent.Tests.Net;

public sealed class NetworkMonitorLiveTests : IDisposable
{
    private static readonly Ipv4Prefix s_destination = Ipv4Prefix.Parse("198.51.100.0/24");

    private readonly FlannelNode _node = FlannelNode.Create();
    private readonly NetworkMonitor _monitor;

    public NetworkMonitorLiveTests()
    {
        try
        {
            _monitor = _node.Network.Run(() => NetworkMonitor.Start());
        }
        catch
        {
            _node.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _monitor.Dispose();
        _node.Dispose();
    }

    [Fact]
    public void The_first_snapshot_is_there_at_once() => _monitor.Current.LinkByName("flannel.1").ShouldNotBeNull();

    [Fact]
    public async Task A_new_device_and_its_end()
    {
        _node.Network.Ip("link add new0 type bridge");
        var added = await _monitor.UntilAsync(static network => network.LinkByName("new0") is not null, "new0");
        added.Kinds.HasFlag(NetworkChangeKinds.Links).ShouldBeTrue();
        var ifIndex = added.Snapshot.LinkByName("new0")!.IfIndex;
        added.IfIndexes.ShouldContain(ifIndex);

        _node.Network.Ip("link delete new0");
        var removed = await _monitor.UntilAsync(network => !network.Links.ContainsKey(ifIndex), "no new0");
        removed.IfIndexes.ShouldContain(ifIndex);
    }

    [Fact]
    public async Task A_device_that_goes_takes_everything_of_its_own()
    {
        var ifIndex = _node.IfIndex("flannel.1");
        _node.Network.Ip("link delete flannel.1");

        var change = await _monitor.UntilAsync(network => !network.Links.ContainsKey(ifIndex), "no flannel.1");
        var network = change.Snapshot;
        network.Fdb.ContainsKey(ifIndex).ShouldBeFalse();
        network.Neighbours.ContainsKey(ifIndex).ShouldBeFalse();
        network.Addresses.ContainsKey(ifIndex).ShouldBeFalse();
        network.RouteTables.Values.SelectMany(static table => table.Routes).ShouldAllBe(route => route.OutIfIndex != ifIndex);
    }

    [Fact]
    public async Task Routes_of_a_device_that_goes_down_are_gone_although_no_event_says_so()
    {
        var eth0 = _node.IfIndex("eth0");
        _node.Network.Ip("link set eth0 down");

        var change = await _monitor.UntilAsync(network => !network.Links[eth0].IsUp, "eth0 down");
        change.Snapshot.RouteTables[Ipv4Route.MainTable].Routes.ShouldAllBe(route => route.OutIfIndex != eth0);
        change.Kinds.HasFlag(NetworkChangeKinds.Routes).ShouldBeTrue();
    }

    [Fact]
    public async Task A_port_that_leaves_its_bridge_stays_a_device()
    {
        var veth = _node.IfIndex(FlannelNode.PodVeth);
        _node.Network.Ip($"link set {FlannelNode.PodVeth} nomaster");

        var change = await _monitor.UntilAsync(network => network.Links.GetValueOrDefault(veth)?.MasterIfIndex == 0, "no master");
        change.Snapshot.Links.ContainsKey(veth).ShouldBeTrue();
    }

    [Fact]
    public async Task A_veth_peer_that_moves_to_a_pod_is_noticed()
    {
        _node.Network.Ip("link add late0 type veth peer name late1");
        await _monitor.UntilAsync(static network => network.LinkByName("late0") is { PeerNamespaceId: null, PeerIfIndex: not 0 }, "late0");

        _node.Network.Ip($"link set late1 netns {_node.Pod.Name}");
        await _monitor.UntilAsync(static network => network.LinkByName("late0") is { PeerNamespaceId: not null }, "late0's peer elsewhere");
    }

    [Fact]
    public async Task An_address_comes_and_goes_with_the_routes_that_prefer_it()
    {
        var eth0 = _node.IfIndex("eth0");
        _node.Network.IpBatch("address add 192.0.2.9/32 dev eth0", "route add 198.51.100.0/24 via 192.0.2.254 src 192.0.2.9");
        var added = await _monitor.UntilAsync(static network => MainTable(network).Alternatives(s_destination).Length == 1, "the route");
        added.Snapshot.Addresses[eth0].ShouldContain(new InterfaceAddress(eth0, Ipv4Address.Parse("192.0.2.9"), 32, false));
        added.Kinds.HasFlag(NetworkChangeKinds.Addresses).ShouldBeTrue();

        _node.Network.Ip("address delete 192.0.2.9/32 dev eth0");
        var removed = await _monitor.UntilAsync(network => network.Addresses[eth0].Length == 1, "no address");
        MainTable(removed.Snapshot).Alternatives(s_destination).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_route_is_added_replaced_and_removed()
    {
        _node.Network.Ip("route add 198.51.100.0/24 via 192.0.2.254");
        var added = await _monitor.UntilAsync(static network => MainTable(network).Alternatives(s_destination).Length == 1, "a route");
        added.Kinds.HasFlag(NetworkChangeKinds.Routes).ShouldBeTrue();
        added.IfIndexes.ShouldContain(_node.IfIndex("eth0"));

        _node.Network.Ip("route replace 198.51.100.0/24 via 192.0.2.253");
        var replaced = await _monitor.UntilAsync(
            static network => MainTable(network).Alternatives(s_destination) is [var route]
                && route.Gateway == Ipv4Address.Parse("192.0.2.253"),
            "another gateway");
        replaced.Snapshot.RouteTables.Values.SelectMany(static table => table.Routes)
            .ShouldBe(_node.Read().RouteTables.Values.SelectMany(static table => table.Routes), ignoreOrder: true);

        _node.Network.Ip("route delete 198.51.100.0/24");
        await _monitor.UntilAsync(static network => MainTable(network).Alternatives(s_destination).IsEmpty, "no route");
    }

    [Fact]
    public async Task Equal_routes_keep_the_order_of_the_kernel()
    {
        _node.Network.IpBatch(
            "route add 198.51.100.0/24 via 192.0.2.252",
            "route append 198.51.100.0/24 via 192.0.2.253",
            "route prepend 198.51.100.0/24 via 192.0.2.251");

        var change = await _monitor.UntilAsync(static network => MainTable(network).Alternatives(s_destination).Length == 3,
            "three routes");
        change.Snapshot.RouteTables[Ipv4Route.MainTable].Alternatives(s_destination)
            .Select(static route => route.Gateway.ToString()).ShouldBe(["192.0.2.251", "192.0.2.252", "192.0.2.253"]);
    }

    [Fact]
    public async Task Routes_of_a_removed_nexthop_object_are_gone()
    {
        _node.Network.IpBatch("nexthop add id 9 via 192.0.2.253 dev eth0", "route add 198.51.100.0/24 nhid 9");
        await _monitor.UntilAsync(static network => MainTable(network).Alternatives(s_destination).Length == 1, "a route");

        _node.Network.Ip("nexthop delete id 9");
        await _monitor.UntilAsync(static network => MainTable(network).Alternatives(s_destination).IsEmpty, "no route");
    }

    [Fact]
    public async Task A_routing_rule_comes_and_goes()
    {
        _node.Network.Ip("rule add priority 100 fwmark 1 lookup 77");
        var change = await _monitor.UntilAsync(static network => network.Rules.Any(static rule => rule.Priority == 100), "a rule");
        change.Kinds.HasFlag(NetworkChangeKinds.Rules).ShouldBeTrue();

        _node.Network.Ip("rule delete priority 100");
        await _monitor.UntilAsync(static network => network.Rules.Length == 3, "no rule");
    }

    [Fact]
    public async Task A_neighbour_changes_and_goes()
    {
        var eth0 = _node.IfIndex("eth0");
        var remote = Ipv4Address.Parse(FlannelNode.RemoteAddress);
        var moved = MacAddress.Parse("02:00:00:00:09:09");
        _node.Network.Ip($"neighbour replace {FlannelNode.RemoteAddress} lladdr {moved} dev eth0 nud permanent");
        var change = await _monitor.UntilAsync(network => network.Neighbour(eth0, remote)?.Mac == moved, "another MAC");
        change.Kinds.HasFlag(NetworkChangeKinds.Neighbours).ShouldBeTrue();
        change.IfIndexes.ShouldContain(eth0);

        _node.Network.Ip($"neighbour delete {FlannelNode.RemoteAddress} dev eth0");
        await _monitor.UntilAsync(network => network.Neighbour(eth0, remote) is null, "no neighbour");
    }

    [Fact]
    public async Task A_tunnel_endpoint_changes_its_address_and_goes()
    {
        var flannel = _node.IfIndex("flannel.1");
        _node.Network.Bridge($"fdb replace {FlannelNode.RemoteVtepMac} dev flannel.1 dst 192.0.2.3 self");
        var change = await _monitor.UntilAsync(
            network => network.FdbOf(flannel).Any(static entry => entry.RemoteAddress == Ipv4Address.Parse("192.0.2.3")),
            "another destination");
        change.Kinds.HasFlag(NetworkChangeKinds.Fdb).ShouldBeTrue();
        change.Snapshot.FdbOf(flannel).ShouldHaveSingleItem();

        _node.Network.Bridge($"fdb delete {FlannelNode.RemoteVtepMac} dev flannel.1 self");
        await _monitor.UntilAsync(network => !network.FdbOf(flannel).Any(), "no entry");
    }

    [Fact]
    public async Task A_station_that_moves_to_another_port_leaves_the_old_one()
    {
        _node.Network.IpBatch($"link add vethnew type veth peer name eth9 netns {_node.Pod.Name}", "link set vethnew master cni0 up");
        _node.Network.Bridge($"fdb replace {FlannelNode.PodMac} dev vethnew master static");

        var mac = MacAddress.Parse(FlannelNode.PodMac);
        var change = await _monitor.UntilAsync(
            network => network.LinkByName("vethnew") is { } port && network.FdbOf(port.IfIndex).Any(entry => entry.Mac == mac),
                "the new port");
        change.Snapshot.FdbOf(_node.IfIndex(FlannelNode.PodVeth)).ShouldAllBe(entry => entry.Mac != mac);
    }

    /// <summary>An event tells of one setting alone.</summary>
    [Fact]
    public async Task A_device_that_forwards_no_more_is_not_taken_to_when_another_setting_changes()
    {
        var bridge = _node.IfIndex("cni0");
        Set("forwarding", "0");
        await _monitor.UntilAsync(network => network.Settings.GetValueOrDefault(bridge) is { Forwards: false }, "no forwarding");

        Set("rp_filter", "2");
        var change = await _monitor.UntilAsync(network => network.Settings.GetValueOrDefault(bridge) is { ReversePathFilter: 2 }, "the filter");
        change.Snapshot.Settings[bridge].Forwards.ShouldBeFalse();

        Set("forwarding", "1");
        change = await _monitor.UntilAsync(network => network.Settings.GetValueOrDefault(bridge) is { Forwards: true }, "forwarding");
        change.Snapshot.Settings[bridge].ReversePathFilter.ShouldBe(2);

        void Set(string setting, string value) => _node.Network.Run(() => File.WriteAllText($"/proc/sys/net/ipv4/conf/cni0/{setting}", value));
    }

    [Fact]
    public async Task A_qdisc_comes_is_replaced_and_goes()
    {
        var veth = _node.IfIndex(FlannelNode.PodVeth);
        _node.Network.Tc($"qdisc add dev {FlannelNode.PodVeth} root handle 1: tbf rate 1mbit burst 32kbit latency 400ms");
        var change = await _monitor.UntilAsync(network => Root(network, veth) == "tbf", "tbf");
        change.Kinds.HasFlag(NetworkChangeKinds.Qdiscs).ShouldBeTrue();

        _node.Network.Tc($"qdisc replace dev {FlannelNode.PodVeth} root handle 2: pfifo");
        await _monitor.UntilAsync(network => Root(network, veth) == "pfifo", "pfifo");

        _node.Network.Tc($"qdisc delete dev {FlannelNode.PodVeth} root");
        await _monitor.UntilAsync(network => Root(network, veth) is not "pfifo", "no pfifo");
    }

    [Fact]
    public async Task A_filter_comes_and_goes_and_goes_with_its_qdisc()
    {
        var veth = _node.IfIndex(FlannelNode.PodVeth);
        _node.Network.Tc($"qdisc add dev {FlannelNode.PodVeth} clsact");
        _node.Network.Tc($"filter add dev {FlannelNode.PodVeth} ingress prio 3 bpf bytecode \"1,6 0 0 0\"");
        var change = await _monitor.UntilAsync(network => network.Filters.ContainsKey(veth), "a filter");
        change.Kinds.HasFlag(NetworkChangeKinds.Filters).ShouldBeTrue();

        _node.Network.Tc($"filter delete dev {FlannelNode.PodVeth} ingress prio 3");
        await _monitor.UntilAsync(network => !network.Filters.ContainsKey(veth), "no filter");

        _node.Network.Tc($"filter add dev {FlannelNode.PodVeth} egress prio 3 bpf bytecode \"1,6 0 0 0\"");
        await _monitor.UntilAsync(network => network.Filters.ContainsKey(veth), "a filter at egress");
        _node.Network.Tc($"qdisc delete dev {FlannelNode.PodVeth} clsact");
        await _monitor.UntilAsync(network => !network.Filters.ContainsKey(veth), "no filter without its qdisc");
    }

    [Fact]
    public async Task An_ipsec_policy_comes_and_goes()
    {
        _node.Network.RequireIpsec();
        _node.Network.Ip("xfrm policy add src 192.0.2.1/32 dst 192.0.2.2/32 dir out action block");
        var change = await _monitor.UntilAsync(static network => network.XfrmPolicies.Length == 1, "a policy");
        change.Kinds.HasFlag(NetworkChangeKinds.XfrmPolicies).ShouldBeTrue();

        _node.Network.Ip("xfrm policy flush");
        await _monitor.UntilAsync(static network => network.XfrmPolicies.IsEmpty, "no policy");
    }

    [Fact]
    public async Task An_ipsec_policy_that_expires_is_gone()
    {
        _node.Network.RequireIpsec();
        _node.Network.Ip("xfrm policy add src 192.0.2.1/32 dst 192.0.2.2/32 dir out action block limit time-hard 1");
        await _monitor.UntilAsync(static network => network.XfrmPolicies.Length == 1, "a policy");

        await _monitor.UntilAsync(static network => network.XfrmPolicies.IsEmpty, "no policy");
    }

    [Fact]
    public async Task A_filter_of_a_shared_block_counts_for_its_devices()
    {
        var veth = _node.IfIndex(FlannelNode.PodVeth);
        _node.Network.Tc($"qdisc add dev {FlannelNode.PodVeth} egress_block 7 clsact");
        _node.Network.Tc("filter add block 7 prio 3 bpf bytecode \"1,6 0 0 0\"");

        var change = await _monitor.UntilAsync(network => network.Filters.ContainsKey(veth), "a filter");
        change.Snapshot.Filters[veth].ShouldBe([new TcFilter(veth, TcDirection.Egress, "bpf", 3, 1)]);
    }

    [Fact]
    public async Task A_burst_ends_in_what_the_kernel_has()
    {
        const int Count = 2000;
        _node.Network.IpBatch(Enumerable.Range(0, Count)
            .Select(static i => $"route add 10.{100 + (i >> 8)}.{i & 0xff}.0/24 via 192.0.2.254"));
        var change = await _monitor.UntilAsync(static network => MainTable(network).Routes.Count() >= Count, "all routes");

        change.Snapshot.RouteTables[Ipv4Route.MainTable].Routes
            .ShouldBe(_node.Read().RouteTables[Ipv4Route.MainTable].Routes, ignoreOrder: true);
    }

    [Fact]
    public async Task Lost_events_mean_reading_everything_again()
    {
        // The smallest buffer the kernel gives holds a few events; the end of a device with many entries is thousands at once.
        const int Tiny = 1;
        const int Count = 2000;
        _node.Network.BridgeBatch(Enumerable.Range(0, Count).Select(static i =>
            $"fdb add 02:00:00:01:{i >> 8:x2}:{i & 0xff:x2} dev flannel.1 dst 10.1.{i >> 8}.{i & 0xff} self"));
        using var monitor = _node.Network.Run(static () => NetworkMonitor.Start(Tiny));
        _node.Network.Ip("link delete flannel.1");
        _node.Network.Ip("link add last0 type bridge");

        var change = await monitor.UntilAsync(
            static network => network.LinkByName("flannel.1") is null && network.LinkByName("last0") is not null, "last0 and no flannel.1");
        monitor.Resyncs.ShouldBeGreaterThan(0);
        var now = _node.Read();
        change.Snapshot.Fdb.Values.SelectMany(static table => table.Values)
            .ShouldBe(now.Fdb.Values.SelectMany(static table => table.Values), ignoreOrder: true);
    }

    [Fact]
    public async Task A_monitor_that_is_disposed_completes_its_changes()
    {
        _monitor.Dispose();

        await Should.ThrowAsync<ChannelClosedException>(async () =>
            await _monitor.Changes.ReadAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_neighbour_in_use_is_resolved()
    {
        var router = Ipv4Address.Parse("192.0.2.254");
        var eth0 = _node.IfIndex("eth0");
        using var prober = _node.Network.Run(NeighbourProber.Open);
        prober.Use(eth0, router);

        var change = await _monitor.UntilAsync(network => network.Neighbour(eth0, router) is { IsUsable: true }, "the router's MAC");
        change.Snapshot.Neighbour(eth0, router)!.Mac.ShouldBe(MacAddress.Parse(FlannelNode.RemoteMac));
    }

    [Fact]
    public async Task A_known_neighbour_that_is_asked_teaches_the_bridge_its_port()
    {
        var pod = Ipv4Address.Parse(FlannelNode.PodAddress);
        var mac = MacAddress.Parse(FlannelNode.PodMac);
        var (bridge, veth) = (_node.IfIndex("cni0"), _node.IfIndex(FlannelNode.PodVeth));
        // As after minutes of silence: the entry is there and fresh, the bridge has forgotten the port.
        _node.Network.Ip($"neighbour replace {pod} lladdr {mac} dev cni0 nud reachable");
        _node.Network.Bridge($"fdb del {mac} dev {FlannelNode.PodVeth} master");
        await _monitor.UntilAsync(network => network.FdbOf(veth).All(entry => entry.Mac != mac), "the port is forgotten");
        using var prober = _node.Network.Run(NeighbourProber.Open);
        prober.Confirm(new Neighbour(bridge, pod, mac, NeighbourState.Reachable));

        await _monitor.UntilAsync(network => network.FdbOf(veth).Any(entry => entry.Mac == mac), "the port is known again");
    }

    [Fact]
    public void Using_a_neighbour_of_no_device_is_an_error_that_names_both()
    {
        using var prober = _node.Network.Run(NeighbourProber.Open);

        var error = Should.Throw<NetlinkException>(() => prober.Use(9999, Ipv4Address.Parse("192.0.2.254")));
        error.Errno.ShouldBe(19);
        error.Message.ShouldStartWith("netlink: use neighbour 192.0.2.254 on ifindex 9999: ");
    }

    private static RouteTable MainTable(NetworkSnapshot network) =>
        network.RouteTables.GetValueOrDefault(Ipv4Route.MainTable, RouteTable.Empty);

    private static string? Root(NetworkSnapshot network, int ifIndex) =>
        network.Qdiscs.GetValueOrDefault(ifIndex, []).FirstOrDefault(static qdisc => qdisc.Parent == Qdisc.Root)?.Kind;
}
