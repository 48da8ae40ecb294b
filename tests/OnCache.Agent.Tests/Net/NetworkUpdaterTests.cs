using System.Collections.Immutable;

using OnCache.Agent.Net;
using OnCache.Agent.Tests.Topology;

using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Tests.Net;

public sealed class NetworkUpdaterTests
{
    private const byte NtfProxy = 8;
    private const uint RtmFCloned = 0x200;
    private const ushort IfaLocal = 2;
    private const ushort IflaMtu = 4;
    private const ushort IflaMaster = 10;
    private const ushort NdaDst = 1;
    private const ushort NdaLladdr = 2;
    private const ushort NdaMaster = 9;
    private const ushort RtaDst = 1;
    private const ushort RtaOif = 4;
    private const ushort RtaGateway = 5;
    private const ushort RtaPriority = 6;
    private const ushort TcaKind = 1;
    private const ushort TcaOptions = 2;

    private readonly NetworkUpdater _updater = new(Networks.Node);

    [Fact]
    public void Nothing_changed_at_first() => _updater.TakeChange().ShouldBeNull();

    [Fact]
    public void A_change_is_taken_once_and_names_kind_and_device()
    {
        _updater.Apply(NewNeighbour(Networks.Eth0, Networks.Remote, Networks.RouterMac));

        var change = _updater.TakeChange().ShouldNotBeNull();
        change.Kinds.ShouldBe(NetworkChangeKinds.Neighbours);
        change.IfIndexes.ShouldBe([Networks.Eth0]);
        change.Snapshot.Neighbour(Networks.Eth0, Networks.Remote)!.Mac.ShouldBe(Networks.RouterMac);
        _updater.TakeChange().ShouldBeNull();
    }

    [Fact]
    public void Changes_add_up()
    {
        _updater.Apply(NewNeighbour(Networks.Eth0, Networks.Remote, Networks.RouterMac));
        _updater.Apply(DeleteLink(Networks.Cni0));

        var change = _updater.TakeChange().ShouldNotBeNull();
        change.Kinds.ShouldBe(NetworkChangeKinds.Neighbours | NetworkChangeKinds.Links);
        change.IfIndexes.ShouldBe([Networks.Eth0, Networks.Cni0], ignoreOrder: true);
    }

    [Fact]
    public void Two_changes_make_one_with_the_later_snapshot()
    {
        _updater.Apply(NewNeighbour(Networks.Eth0, Networks.Remote, Networks.RouterMac));
        var first = _updater.TakeChange().ShouldNotBeNull();
        _updater.Apply(DeleteLink(Networks.Cni0));
        var second = _updater.TakeChange().ShouldNotBeNull();

        var sum = first.Then(second);
        sum.Snapshot.ShouldBeSameAs(second.Snapshot);
        sum.Kinds.ShouldBe(NetworkChangeKinds.Neighbours | NetworkChangeKinds.Links);
        sum.IfIndexes.ShouldBe([Networks.Eth0, Networks.Cni0], ignoreOrder: true);
    }

    [Fact]
    public void An_event_that_says_nothing_new_is_no_change()
    {
        _updater.Apply(NewNeighbour(Networks.Eth0, Networks.Remote, Networks.RemoteMac));
        _updater.Apply(DeleteLink(99));
        _updater.Apply(DeleteNeighbour(99, Networks.Remote));

        _updater.TakeChange().ShouldBeNull();
    }

    [Fact]
    public void A_neighbour_that_is_confirmed_is_known_so_and_is_no_change()
    {
        _updater.Apply(NewNeighbour(Networks.Eth0, Networks.Remote, Networks.RemoteMac, NeighbourState.Stale));

        _updater.TakeChange().ShouldBeNull();
        _updater.Snapshot.Neighbour(Networks.Eth0, Networks.Remote)!.State.ShouldBe(NeighbourState.Stale);
    }

    [Fact]
    public void A_neighbour_that_fails_is_a_change()
    {
        _updater.Apply(NewNeighbour(Networks.Eth0, Networks.Remote, Networks.RemoteMac, NeighbourState.Failed));

        _updater.TakeChange().ShouldNotBeNull().Kinds.ShouldBe(NetworkChangeKinds.Neighbours);
    }

    [Fact]
    public void A_bridge_reporting_on_its_port_is_not_the_devices_own_event()
    {
        _updater.Apply(MessageBytes.Build(
            RTM_DELLINK,
            new LinkMessage.Header { Family = AF_BRIDGE, IfIndex = Networks.PodVeth },
            static (ref writer) => writer.Attribute(IflaMaster, Networks.Cni0)));

        _updater.TakeChange().ShouldBeNull();
    }

    [Fact]
    public void A_device_that_goes_takes_its_tables_and_makes_its_routes_stale()
    {
        _updater.Apply(DeleteLink(Networks.Flannel));

        var network = _updater.Snapshot;
        network.Fdb.ContainsKey(Networks.Flannel).ShouldBeFalse();
        network.Neighbours.ContainsKey(Networks.Flannel).ShouldBeFalse();
        _updater.Stale.ShouldBe(NetworkChangeKinds.Routes);
    }

    [Fact]
    public void A_device_without_routes_that_goes_makes_nothing_stale()
    {
        _updater.Apply(DeleteLink(Networks.PodVeth));

        _updater.Stale.ShouldBe(NetworkChangeKinds.None);
    }

    [Fact]
    public void A_device_that_goes_down_makes_its_routes_stale()
    {
        _updater.Apply(MessageBytes.Build(
            RTM_NEWLINK, new LinkMessage.Header { IfIndex = Networks.Eth0, HardwareType = 1 }, static (ref writer) =>
                writer.Attribute(IflaMtu, 1500)));

        _updater.Stale.ShouldBe(NetworkChangeKinds.Routes);
    }

    [Theory]
    [InlineData("192.0.2.1", NetworkChangeKinds.Routes)]
    [InlineData("10.244.1.1", NetworkChangeKinds.None)]
    internal void An_address_that_goes_makes_routes_stale_when_one_prefers_it(string address, NetworkChangeKinds stale)
    {
        var own = Ipv4Address.Parse(address);
        var updater = new NetworkUpdater(
            Networks.Node.With(Networks.Route("198.51.100.0/24", Networks.Eth0) with { PreferredSource = Networks.Local }));
        updater.Apply(MessageBytes.Build(
            RTM_DELADDR,
            new AddressMessage.Header
            {
                Family = AF_INET,
                IfIndex = own == Networks.Local ? Networks.Eth0 : Networks.Cni0,
                PrefixLength = 24
            },
            (ref writer) => writer.Attribute(IfaLocal, MessageBytes.Bytes(own))));

        updater.TakeChange().ShouldNotBeNull().Kinds.ShouldBe(NetworkChangeKinds.Addresses);
        updater.Stale.ShouldBe(stale);
    }

    [Fact]
    public void The_peer_of_a_veth_that_leaves_is_read_again()
    {
        var updater = new NetworkUpdater(Networks.Node
            .With(new Link { IfIndex = 20, Name = "a", Kind = "veth", PeerIfIndex = 21 })
            .With(new Link { IfIndex = 21, Name = "b", Kind = "veth", PeerIfIndex = 20 }));
        updater.Apply(DeleteLink(21));

        updater.Stale.ShouldBe(NetworkChangeKinds.Links);
    }

    [Fact]
    public void A_station_that_moves_leaves_its_former_port()
    {
        _updater.Apply(MessageBytes.Build(
            RTM_NEWNEIGH,
            new NeighbourMessage.Header { Family = AF_BRIDGE, IfIndex = 9, State = (ushort)NeighbourState.Reachable },
            static (ref writer) =>
            {
                writer.Attribute(NdaLladdr, MessageBytes.Bytes(Networks.PodMac));
                writer.Attribute(NdaMaster, Networks.Cni0);
            }));

        _updater.Snapshot.FdbOf(Networks.PodVeth).ShouldBeEmpty();
        _updater.Snapshot.FdbOf(9).ShouldHaveSingleItem().Mac.ShouldBe(Networks.PodMac);
        _updater.TakeChange().ShouldNotBeNull().IfIndexes.ShouldBe([9, Networks.PodVeth], ignoreOrder: true);
    }

    [Theory]
    [InlineData("01:00:5e:00:00:16")]
    [InlineData("00:00:00:00:00:00")]
    public void Group_and_default_entries_are_not_kept(string mac)
    {
        _updater.Apply(MessageBytes.Build(
            RTM_NEWNEIGH,
            new NeighbourMessage.Header { Family = AF_BRIDGE, IfIndex = Networks.Flannel },
            (ref writer) => writer.Attribute(NdaLladdr, MessageBytes.Bytes(MacAddress.Parse(mac)))));

        _updater.TakeChange().ShouldBeNull();
    }

    [Fact]
    public void A_proxied_address_is_not_a_neighbour()
    {
        _updater.Apply(MessageBytes.Build(
            RTM_NEWNEIGH,
            new NeighbourMessage.Header { Family = AF_INET, IfIndex = Networks.Eth0, Flags = NtfProxy },
            static (ref writer) => writer.Attribute(NdaDst, MessageBytes.Bytes(Networks.Remote))));

        _updater.TakeChange().ShouldBeNull();
    }

    [Fact]
    public void A_cached_exception_is_not_a_route()
    {
        _updater.Apply(MessageBytes.Build(
            RTM_NEWROUTE,
            new RouteMessage.Header
            {
                Family = AF_INET,
                DestinationLength = 32,
                Table = (byte)Ipv4Route.MainTable,
                Type = (byte)RouteType.Unicast,
                Flags = RtmFCloned
            },
            static (ref writer) => writer.Attribute(RtaDst, MessageBytes.Bytes(Networks.Remote))));

        _updater.TakeChange().ShouldBeNull();
    }

    [Fact]
    public void A_route_that_is_replaced_is_gone()
    {
        _updater.Apply(NewRoute("198.51.100.0", "192.0.2.253"));
        _updater.Apply(NewRoute("198.51.100.0", "192.0.2.254", flags: NLM_F_REPLACE));

        Routes("198.51.100.0/24").ShouldHaveSingleItem().Gateway.ShouldBe(Networks.Router);
        _updater.Stale.ShouldBe(NetworkChangeKinds.None);
    }

    [Fact]
    public void Routes_of_different_metrics_stand_beside_each_other_in_order()
    {
        _updater.Apply(NewRoute("198.51.100.0", "192.0.2.253", priority: 9));
        _updater.Apply(NewRoute("198.51.100.0", "192.0.2.254", priority: 5));

        Routes("198.51.100.0/24").Select(static route => route.Priority).ShouldBe([5u, 9u]);
        _updater.Stale.ShouldBe(NetworkChangeKinds.None);
    }

    [Fact]
    public void A_route_equal_to_another_in_all_that_ranks_them_makes_routes_stale()
    {
        _updater.Apply(NewRoute("198.51.100.0", "192.0.2.253"));
        _updater.Apply(NewRoute("198.51.100.0", "192.0.2.254"));

        _updater.Stale.ShouldBe(NetworkChangeKinds.Routes);
    }

    [Fact]
    public void A_removed_route_is_gone_and_one_that_was_never_there_is_nothing()
    {
        _updater.Apply(NewRoute("198.51.100.0", "192.0.2.253"));
        _updater.Apply(NewRoute("198.51.100.0", "192.0.2.253", type: RTM_DELROUTE));
        _updater.Apply(NewRoute("198.51.200.0", "192.0.2.253", type: RTM_DELROUTE));

        Routes("198.51.100.0/24").ShouldBeEmpty();
        _updater.Stale.ShouldBe(NetworkChangeKinds.None);
    }

    [Fact]
    public void A_removed_route_that_is_known_otherwise_makes_routes_stale()
    {
        _updater.Apply(NewRoute("198.51.100.0", "192.0.2.253"));
        _updater.Apply(NewRoute("198.51.100.0", "192.0.2.254", type: RTM_DELROUTE));

        _updater.Stale.ShouldBe(NetworkChangeKinds.Routes);
    }

    [Theory]
    [InlineData(RTM_NEWRULE, NetworkChangeKinds.Rules)]
    [InlineData(RTM_DELRULE, NetworkChangeKinds.Rules)]
    [InlineData(RTM_NEWNEXTHOP, NetworkChangeKinds.Routes)]
    [InlineData(RTM_DELNEXTHOP, NetworkChangeKinds.Routes)]
    [InlineData(RTM_NEWTFILTER, NetworkChangeKinds.Filters)]
    [InlineData(RTM_DELTFILTER, NetworkChangeKinds.Filters)]
    [InlineData(RTM_NEWCHAIN, NetworkChangeKinds.Filters)]
    [InlineData(RTM_DELCHAIN, NetworkChangeKinds.Filters)]
    internal void Events_that_do_not_say_enough_make_their_part_stale(ushort type, NetworkChangeKinds part)
    {
        _updater.Apply(MessageBytes.Build(type, new TcMessage.Header { IfIndex = Networks.PodVeth }, static (ref _) => { }));

        _updater.Stale.ShouldBe(part);
        _updater.TakeChange().ShouldBeNull();
    }

    [Fact]
    public void An_ipsec_event_makes_policies_stale()
    {
        _updater.ApplyXfrm();

        _updater.Stale.ShouldBe(NetworkChangeKinds.XfrmPolicies);
    }

    [Fact]
    public void A_place_holds_one_qdisc_and_the_hook_for_filters_makes_them_stale()
    {
        _updater.Apply(Tc(RTM_NEWQDISC, "tbf", 0x1_0000, Qdisc.Root));
        _updater.Apply(Tc(RTM_NEWQDISC, "htb", 0x2_0000, Qdisc.Root));
        _updater.Snapshot.Qdiscs[Networks.PodVeth].ShouldHaveSingleItem().Kind.ShouldBe("htb");
        _updater.Stale.ShouldBe(NetworkChangeKinds.None);

        // The end of the former one, reported late.
        _updater.Apply(Tc(RTM_DELQDISC, "tbf", 0x1_0000, Qdisc.Root));
        _updater.Snapshot.Qdiscs[Networks.PodVeth].ShouldHaveSingleItem().Kind.ShouldBe("htb");

        _updater.Apply(Tc(RTM_NEWQDISC, "clsact", 0xffff_0000, Qdisc.Clsact));
        _updater.Stale.ShouldBe(NetworkChangeKinds.Filters);
    }

    /// <summary>TCA_FQ_FLOW_MAX_RATE: octets a second, all ones for none.</summary>
    [Theory]
    [InlineData("fq", 0xffff_ffff, false)]
    [InlineData("fq", 1_000_000, true)]
    [InlineData("other", 1_000_000, false)]
    public void A_fair_queue_s_rate_is_known(string kind, uint rate, bool hasRate)
    {
        _updater.Apply(Tc(RTM_NEWQDISC, kind, 0x1_0000, Qdisc.Root, [8, 0, 1, 0, 16, 39, 0, 0, 8, 0, 7, 0, .. BitConverter.GetBytes(rate)]));

        _updater.Snapshot.Qdiscs[Networks.PodVeth].ShouldHaveSingleItem().HasRate.ShouldBe(hasRate);
    }

    [Fact]
    public void What_is_within_a_root_goes_with_it_and_the_hook_stays()
    {
        _updater.Apply(Tc(RTM_NEWQDISC, "mq", 0x1_0000, Qdisc.Root));
        _updater.Apply(Tc(RTM_NEWQDISC, "tbf", 0x2_0000, 0x1_0001));
        _updater.Apply(Tc(RTM_NEWQDISC, "clsact", 0xffff_0000, Qdisc.Clsact));
        _updater.Apply(Tc(RTM_NEWQDISC, "mq", 0x1_0000, Qdisc.Root));
        _updater.Snapshot.Qdiscs[Networks.PodVeth].Select(static qdisc => qdisc.Kind).ShouldBe(["mq", "tbf", "clsact"], ignoreOrder: true);

        _updater.Apply(Tc(RTM_DELQDISC, "pfifo_fast", 0, Qdisc.Root));
        _updater.Snapshot.Qdiscs[Networks.PodVeth].Length.ShouldBe(3, "the end of a former one, reported late");
        _updater.Apply(Tc(RTM_NEWQDISC, "pfifo_fast", 0x3_0000, Qdisc.Root));
        _updater.Snapshot.Qdiscs[Networks.PodVeth].Select(static qdisc => qdisc.Kind).ShouldBe(["pfifo_fast", "clsact"], ignoreOrder: true);

        _updater.Apply(Tc(RTM_NEWQDISC, "tbf", 0x2_0000, 0x3_0001));
        _updater.Apply(Tc(RTM_DELQDISC, "pfifo_fast", 0x3_0000, Qdisc.Root));
        _updater.Snapshot.Qdiscs[Networks.PodVeth].Select(static qdisc => qdisc.Kind).ShouldBe(["clsact"]);
    }

    [Fact]
    public void Starting_over_concerns_every_device_of_before_and_after()
    {
        _updater.Apply(NewRoute("198.51.100.0", "192.0.2.253"));
        _updater.Apply(NewRoute("198.51.100.0", "192.0.2.254"));
        _updater.Resync(NetworkSnapshot.Empty.With(new Link { IfIndex = 77, Name = "new" }));

        var change = _updater.TakeChange().ShouldNotBeNull();
        change.Kinds.ShouldBe(NetworkChangeKinds.All);
        change.IfIndexes.ShouldBe([Networks.Eth0, Networks.Flannel, Networks.Cni0, Networks.PodVeth, 77], ignoreOrder: true);
        _updater.Stale.ShouldBe(NetworkChangeKinds.None);
    }

    private static byte[] DeleteLink(int ifIndex) =>
        MessageBytes.Build(RTM_DELLINK, new LinkMessage.Header { IfIndex = ifIndex }, static (ref writer) =>
            writer.Attribute(IflaMtu, 1500));

    private static byte[] NewNeighbour(
        int ifIndex, Ipv4Address address, MacAddress mac, NeighbourState state = NeighbourState.Reachable) => MessageBytes.Build(
        RTM_NEWNEIGH,
        new NeighbourMessage.Header { Family = AF_INET, IfIndex = ifIndex, State = (ushort)state },
        (ref writer) =>
        {
            writer.Attribute(NdaDst, MessageBytes.Bytes(address));
            writer.Attribute(NdaLladdr, MessageBytes.Bytes(mac));
        });

    private static byte[] DeleteNeighbour(int ifIndex, Ipv4Address address) => MessageBytes.Build(
        RTM_DELNEIGH,
        new NeighbourMessage.Header { Family = AF_INET, IfIndex = ifIndex },
        (ref writer) => writer.Attribute(NdaDst, MessageBytes.Bytes(address)));

    private static byte[] NewRoute(string network, string gateway, uint priority = 0, ushort flags = 0, ushort type = RTM_NEWROUTE) =>
        MessageBytes.Build(
            type,
            new RouteMessage.Header
            {
                Family = AF_INET,
                DestinationLength = 24,
                Table = (byte)Ipv4Route.MainTable,
                Type = (byte)RouteType.Unicast
            },
            (ref writer) =>
            {
                writer.Attribute(RtaDst, MessageBytes.Bytes(Ipv4Address.Parse(network)));
                writer.Attribute(RtaOif, Networks.Eth0);
                writer.Attribute(RtaGateway, MessageBytes.Bytes(Ipv4Address.Parse(gateway)));
                writer.Attribute(RtaPriority, priority);
            },
            flags);

    private static byte[] Tc(ushort type, string kind, uint handle, uint parent, params byte[] options) => MessageBytes.Build(
        type,
        new TcMessage.Header { IfIndex = Networks.PodVeth, Handle = handle, Parent = parent },
        (ref writer) =>
        {
            writer.Attribute(TcaKind, System.Text.Encoding.ASCII.GetBytes(kind + "\0"));
            writer.Attribute(TcaOptions, options);
        });

    private ImmutableArray<Ipv4Route> Routes(string destination) =>
        _updater.Snapshot.RouteTables[Ipv4Route.MainTable].Alternatives(Ipv4Prefix.Parse(destination));
}
