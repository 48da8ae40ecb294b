using System.Collections.Immutable;

using OnCache.Agent.Net;
using OnCache.Agent.Topology;

namespace OnCache.Agent.Tests.Topology;

/// <summary>Snapshots made by hand.</summary>
internal static class Networks
{
    public const int Eth0 = 2;
    public const int Flannel = 3;
    public const int Cni0 = 4;
    public const int PodVeth = 5;

    public static readonly Ipv4Address Local = Ipv4Address.Parse("192.0.2.1");
    public static readonly Ipv4Address Remote = Ipv4Address.Parse("192.0.2.2");
    public static readonly Ipv4Address Router = Ipv4Address.Parse("192.0.2.254");
    public static readonly Ipv4Address Pod = Ipv4Address.Parse("10.244.1.2");
    public static readonly MacAddress Eth0Mac = MacAddress.Parse("02:00:00:00:01:01");
    public static readonly MacAddress FlannelMac = MacAddress.Parse("02:00:00:00:01:02");
    public static readonly MacAddress Cni0Mac = MacAddress.Parse("02:00:00:00:02:01");
    public static readonly MacAddress PodMac = MacAddress.Parse("02:00:00:00:02:02");
    public static readonly MacAddress VethMac = MacAddress.Parse("02:00:00:00:02:03");
    public static readonly MacAddress RemoteMac = MacAddress.Parse("02:00:00:00:03:02");
    public static readonly MacAddress RouterMac = MacAddress.Parse("02:00:00:00:03:fe");
    public static readonly MacAddress VtepMac = MacAddress.Parse("02:00:00:00:04:02");

    public static readonly UnderlayOptions Options = new(null, new PortRange(32768, 60999), 64);

    public static readonly Link Eth0Link = new() { IfIndex = Eth0, Name = "eth0", Mac = Eth0Mac, Mtu = 1500, Flags = LinkFlags.Up };

    public static readonly VxlanAttributes Vxlan = new() { Id = 1, Port = 8472, Local = Local, LinkIfIndex = Eth0, UdpChecksum = true };

    public static readonly Link FlannelLink =
        new() { IfIndex = Flannel, Name = "flannel.1", Kind = "vxlan", Mac = FlannelMac, Mtu = 1450, Flags = LinkFlags.Up, Vxlan = Vxlan };

    public static readonly Link BridgeLink =
        new() { IfIndex = Cni0, Name = "cni0", Kind = "bridge", Mac = Cni0Mac, Mtu = 1450, Flags = LinkFlags.Up };

    public static readonly Link PodLink = new()
    {
        IfIndex = PodVeth,
        Name = "vethpod",
        Kind = "veth",
        Mac = VethMac,
        Mtu = 1450,
        Flags = LinkFlags.Up,
        MasterIfIndex = Cni0,
        PeerIfIndex = 2,
        PeerNamespaceId = 0,
    };

    public static readonly FdbEntry RemoteEntry = new()
    {
        IfIndex = Flannel,
        Mac = VtepMac,
        Self = true,
        RemoteAddress = Remote,
        Permanent = true
    };

    public static readonly FdbEntry PodEntry = new() { IfIndex = PodVeth, Mac = PodMac, MasterIfIndex = Cni0 };

    /// <summary>A node in flannel's layout with one pod and one remote node on its own wire.</summary>
    public static NetworkSnapshot Node { get; } = NetworkSnapshot.Empty
        .With(Eth0Link).With(FlannelLink).With(BridgeLink).With(PodLink)
        .With(new InterfaceAddress(Eth0, Local, 24, false)).With(new InterfaceAddress(Cni0, Ipv4Address.Parse("10.244.1.1"), 24, false))
        .WithLocal(Local).WithLocal(Ipv4Address.Parse("10.244.1.1"))
        .WithRoute("192.0.2.0/24", Eth0).WithRoute("0.0.0.0/0", Eth0, "192.0.2.254").WithRoute("10.244.1.0/24", Cni0)
        .WithRoute("10.244.2.0/24", Flannel, "10.244.2.0")
        .With(new Neighbour(Eth0, Remote, RemoteMac, NeighbourState.Reachable))
        .With(new Neighbour(Eth0, Router, RouterMac, NeighbourState.Stale))
        .With(new Neighbour(Flannel, Ipv4Address.Parse("10.244.2.0"), VtepMac, NeighbourState.Permanent))
        .With(new Neighbour(Cni0, Pod, PodMac, NeighbourState.Reachable))
        .With(RemoteEntry).With(PodEntry);

    public static NetworkSnapshot With(this NetworkSnapshot network, Link link) =>
        network with { Links = network.Links.SetItem(link.IfIndex, link) };

    public static NetworkSnapshot With(this NetworkSnapshot network, InterfaceAddress address) => network with
    {
        Addresses = network.Addresses.SetItem(address.IfIndex, network.Addresses.GetValueOrDefault(address.IfIndex, []).Add(address)),
    };

    public static NetworkSnapshot With(this NetworkSnapshot network, Ipv4Route route)
    {
        var table = network.RouteTables.GetValueOrDefault(route.Table, RouteTable.Empty);
        return network with
        {
            RouteTables = network.RouteTables.SetItem(
                route.Table, table.With(route.Destination, table.Alternatives(route.Destination).Add(route))),
        };
    }

    public static NetworkSnapshot WithRoute(this NetworkSnapshot network, string destination, int ifIndex, string? gateway = null) =>
        network.With(Route(destination, ifIndex, gateway));

    public static NetworkSnapshot WithLocal(this NetworkSnapshot network, Ipv4Address address) => network.With(new Ipv4Route
    {
        Table = Ipv4Route.LocalTable,
        Type = RouteType.Local,
        Destination = new Ipv4Prefix(address, Ipv4Prefix.MaxLength),
    });

    public static NetworkSnapshot WithRule(this NetworkSnapshot network, RoutingRule rule)
    {
        ImmutableArray<RoutingRule> rules = network.Rules.IsEmpty
            ?
            [
                new RoutingRule { Priority = 0, Table = Ipv4Route.LocalTable },
                new RoutingRule { Priority = 32766, Table = Ipv4Route.MainTable },
                new RoutingRule { Priority = 32767, Table = Ipv4Route.DefaultTable },
            ]
            : network.Rules;
        return network with { Rules = [.. rules.Add(rule).OrderBy(static rule => rule.Priority)] };
    }

    public static NetworkSnapshot With(this NetworkSnapshot network, Neighbour neighbour) => network with
    {
        Neighbours = network.Neighbours.SetItem(
            neighbour.IfIndex,
            network.Neighbours.GetValueOrDefault(neighbour.IfIndex, ImmutableDictionary<Ipv4Address, Neighbour>.Empty)
                .SetItem(neighbour.Address, neighbour)),
    };

    public static NetworkSnapshot With(this NetworkSnapshot network, FdbEntry entry) => network with
    {
        Fdb = network.Fdb.SetItem(
            entry.IfIndex,
            network.Fdb.GetValueOrDefault(entry.IfIndex, ImmutableDictionary<FdbKey, FdbEntry>.Empty).SetItem(entry.Key, entry)),
    };

    public static NetworkSnapshot With(this NetworkSnapshot network, Qdisc qdisc) => network with
    {
        Qdiscs = network.Qdiscs.SetItem(qdisc.IfIndex, network.Qdiscs.GetValueOrDefault(qdisc.IfIndex, []).Add(qdisc)),
    };

    public static NetworkSnapshot With(this NetworkSnapshot network, TcFilter filter) => network with
    {
        Filters = network.Filters.SetItem(filter.IfIndex, network.Filters.GetValueOrDefault(filter.IfIndex, []).Add(filter)),
    };

    public static NetworkSnapshot With(this NetworkSnapshot network, XfrmPolicy policy) =>
        network with { XfrmPolicies = network.XfrmPolicies.Add(policy) };

    public static NetworkSnapshot WithoutMainRoutes(this NetworkSnapshot network) =>
        network with { RouteTables = network.RouteTables.Remove(Ipv4Route.MainTable) };

    public static NetworkSnapshot WithoutNeighbours(this NetworkSnapshot network) => network
        with
    { Neighbours = NetworkSnapshot.Empty.Neighbours };

    public static NetworkSnapshot WithoutFdb(this NetworkSnapshot network, int ifIndex) => network
        with
    { Fdb = network.Fdb.Remove(ifIndex) };

    public static Ipv4Route Route(string destination, int ifIndex, string? gateway = null) => new()
    {
        Destination = Ipv4Prefix.Parse(destination),
        OutIfIndex = ifIndex,
        Gateway = gateway is null ? null : Ipv4Address.Parse(gateway),
    };
}
