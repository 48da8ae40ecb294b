using System.Collections.Immutable;

using OnCache.Agent.Net;
using OnCache.Agent.Topology;

namespace OnCache.Agent.Rules;

/// <summary>What devices that cached packets leap over do with packets, as regions: qdiscs, filters and XDP programs of the tunnel, the bridge and the NIC; and routing that is no flow's. Pure.</summary>
internal static class DeviceRules
{
    /// <summary>By the devices that a packet passes on the CNI's path and not on ours.</summary>
    /// <param name="bridges">Those that pods of this node are ports of.</param>
    /// <param name="nics">What carries the tunnel.</param>
    /// <param name="isBefore">Of a filter at the NIC's ingress: it sees what the fast path takes, too.</param>
    public static IEnumerable<RuleRegion> Of(
        NetworkSnapshot snapshot, Underlay underlay, IEnumerable<Link> bridges, IEnumerable<Link> nics, Predicate<TcFilter> isOwn, Predicate<TcFilter> isBefore)
    {
        if (ByTypeOfService(snapshot) is { } words)
        {
            yield return new RuleRegion(new PacketClass { Way = PacketWay.FromPod }, RegionReach.Flows, words, "routing", "type of service");
        }

        foreach (var region in OfDevice(snapshot, underlay.Tunnel.IfIndex, receives: new PacketClass { Way = PacketWay.ToPod }, sends: new PacketClass { Way = PacketWay.FromPod }, isOwn))
        {
            yield return region;
        }

        foreach (var bridge in bridges)
        {
            ImmutableArray<DevicePattern> itself = [new DevicePattern(bridge.Name, IsPrefix: false, IsNegated: false)];
            var (fromPod, toPod) = (new PacketClass { Way = PacketWay.FromPod, PodDevices = itself }, new PacketClass { Way = PacketWay.ToPod, PodDevices = itself });
            foreach (var region in OfDevice(snapshot, bridge.IfIndex, receives: fromPod, sends: toPod, isOwn))
            {
                yield return region;
            }

            if (bridge.VlanFiltering)
            {
                yield return new RuleRegion(fromPod, RegionReach.Flows, $"ip link set dev {bridge.Name} type bridge vlan_filtering 1", $"device {bridge.Name}", "VLANs of the bridge");
            }
        }

        foreach (var nic in nics)
        {
            foreach (var filter in snapshot.Filters.GetValueOrDefault(nic.IfIndex, []).Where(filter => filter.Direction == TcDirection.Ingress && !isOwn(filter) && !isBefore(filter)))
            {
                yield return new RuleRegion(new PacketClass { Way = PacketWay.OuterIn }, RegionReach.Flows, Words(nic.Name, filter), $"device {nic.Name}", "filter behind ours");
            }
        }
    }

    /// <summary>A rule or route by which packets of one flow may go different ways; null where there is none.</summary>
    private static string? ByTypeOfService(NetworkSnapshot snapshot) =>
        snapshot.Rules.FirstOrDefault(static rule => rule.SelectsByTos) is { } rule ? $"ip rule of priority {rule.Priority}, by tos or dscp"
        : snapshot.RouteTables.Values.SelectMany(static table => table.Routes).FirstOrDefault(static route => route.Tos != 0) is { } route
            ? $"ip route {route.Destination} tos 0x{route.Tos:x2} table {route.Table}"
        : null;

    private static IEnumerable<RuleRegion> OfDevice(NetworkSnapshot snapshot, int ifIndex, PacketClass receives, PacketClass sends, Predicate<TcFilter> isOwn)
    {
        var name = snapshot.NameOf(ifIndex);
        var where = $"device {name}";
        if (Shaping.ChosenOf(snapshot, ifIndex) is { } qdisc)
        {
            yield return new RuleRegion(sends, RegionReach.Flows, $"tc qdisc {qdisc.Kind} dev {name} {(qdisc.Parent == Qdisc.Root ? "root" : $"parent {qdisc.Parent >> 16:x}:{qdisc.Parent & 0xffff:x}")}", where, "queueing discipline");
        }

        foreach (var filter in snapshot.Filters.GetValueOrDefault(ifIndex, []).Where(filter => !isOwn(filter)))
        {
            yield return new RuleRegion(filter.Direction == TcDirection.Ingress ? receives : sends, RegionReach.Flows, Words(name, filter), where, "filter");
        }

        if (snapshot.Links.GetValueOrDefault(ifIndex) is { HasXdp: true })
        {
            yield return new RuleRegion(receives, RegionReach.Flows, $"XDP program on {name}", where, "XDP program");
        }
    }

    private static string Words(string device, TcFilter filter) =>
        $"tc filter dev {device} {(filter.Direction == TcDirection.Ingress ? "ingress" : "egress")} pref {filter.Priority} {filter.Kind}{(filter.BpfName is { } name ? $" {name}" : "")}";
}
