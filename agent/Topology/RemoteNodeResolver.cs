using System.Collections.Immutable;

using OnCache.Agent.Net;

namespace OnCache.Agent.Topology;

using RemoteNodeResolution = Resolution<RemoteNode, RemoteNodeReason>;

/// <summary>Finds the nodes behind a VXLAN device and the way to each.</summary>
internal static class RemoteNodeResolver
{
    /// <summary>
    /// Octets in front of the inner IPv4 packet, without the outer Ethernet header: IPv4 20, UDP 8, VXLAN 8, Ethernet 14.
    /// </summary>
    public const int VxlanOverhead = 50;

    // RFC 791: what every IPv4 link carries.
    private const int MinimumMtu = 68;

    /// <summary>One result for each remote address in the device's forwarding table, by address.</summary>
    public static ImmutableArray<RemoteNodeResult> Resolve(NetworkSnapshot snapshot, Underlay underlay)
    {
        var gateways = snapshot.Neighbours.GetValueOrDefault(underlay.Tunnel.IfIndex)?.Values
            .Where(static neighbour => neighbour.IsUsable)
            .GroupBy(static neighbour => neighbour.Mac.GetValueOrDefault(), static neighbour => neighbour.Address)
            .ToDictionary(static group => group.Key, static group => group.Min()) ?? [];
        var limited = snapshot.RouteTables.Values.SelectMany(static table => table.Routes).Where(route => route.OutIfIndex == underlay.Tunnel.IfIndex && route.Mtu > 0).ToList();
        return
        [
            .. snapshot.FdbOf(underlay.Tunnel.IfIndex)
                .Where(static entry => entry is { Self: true, RemoteAddress: not null })
                .GroupBy(static entry => entry.RemoteAddress.GetValueOrDefault())
                .OrderBy(static entries => entries.Key)
                .Select(entries => new RemoteNodeResult(entries.Key, ResolveNode(snapshot, underlay, entries.Key, [.. entries], gateways, limited))),
        ];
    }

    private static RemoteNodeResolution ResolveNode(
        NetworkSnapshot snapshot,
        Underlay underlay,
        Ipv4Address address,
        FdbEntry[] entries,
        Dictionary<MacAddress, Ipv4Address> gateways,
        IReadOnlyList<Ipv4Route> limited)
    {
        if (!FindStation(underlay, address, entries, gateways).TryGet(out var station, out var refusal)
            || !FindRoute(snapshot, underlay, address).TryGet(out var route, out refusal)
            || !FindDevice(snapshot, address, route).TryGet(out var nic, out refusal)
            || !FindNextHop(snapshot, address, route, nic).TryGet(out var nextHop, out refusal))
        {
            return refusal;
        }

        if (IpsecMatcher.Find(snapshot.XfrmPolicies, new TunnelPath(underlay.LocalAddress, address, underlay.Tunnel.Port)) is { } policy)
        {
            return Refuse(RemoteNodeReason.Ipsec,
                $"remote node {address}: IPsec policy {policy.Source} -> {policy.Destination} ({Describe(policy)}) covers the tunnel, "
                + "which must be without IPsec to be accelerated");
        }

        var gateway = gateways.GetValueOrDefault(station.Mac);
        var path = route.Mtu == 0 ? nic.Mtu : Math.Min(nic.Mtu, route.Mtu);
        var mtu = Math.Min(underlay.Tunnel.Mtu, path - VxlanOverhead);
        return mtu < MinimumMtu
            ? Refuse(RemoteNodeReason.MtuTooSmall,
                $"remote node {address}: device {nic.Name} carries packets of {path} octets, "
                + $"must carry at least {MinimumMtu + VxlanOverhead}")
            : new RemoteNode
            {
                Address = address,
                NicIfIndex = nic.IfIndex,
                NicMac = nic.Mac.GetValueOrDefault(),
                NextHop = nextHop.Address,
                NextHopMac = nextHop.Mac.GetValueOrDefault(),
                VtepMac = station.Mac,
                TunnelAddress = gateway,
                // Routes to its pods may be for smaller packets; one without a gateway may be to any node's.
                Mtu = limited.Where(inner => inner.Gateway is null || inner.Gateway == gateway).Select(static inner => inner.Mtu).Append(mtu).Min(),
            };
    }

    /// <summary>
    /// The inner destination. A routed overlay has one station for each node, its VTEP. Where there are several (a switched overlay
    /// beside it) the VTEP is the one that a gateway on the tunnel device resolves to.
    /// </summary>
    private static Resolution<FdbEntry, RemoteNodeReason> FindStation(
        Underlay underlay, Ipv4Address address, FdbEntry[] entries, Dictionary<MacAddress, Ipv4Address> gateways)
    {
        if (entries.Length > 1)
        {
            entries = Array.FindAll(entries, entry => gateways.ContainsKey(entry.Mac));
        }

        return entries is not [var station]
            ? Refuse(RemoteNodeReason.AmbiguousStation,
                $"remote node {address}: several stations are behind it on {underlay.Tunnel.Name} "
                + $"and {entries.Length} of them are gateways, must be 1")
            : station.RemotePort is not 0 && station.RemotePort != underlay.Tunnel.Port
                || station.RemoteVni is { } vni && vni != underlay.Tunnel.Vni || station.RemoteIfIndex != 0
                ? Refuse(RemoteNodeReason.ForwardingOverride,
                    $"remote node {address}: forwarding entry {station.Mac} on {underlay.Tunnel.Name} "
                    + "has a port, VNI or device of its own, must use the tunnel's")
                : station;
    }

    private static Resolution<Ipv4Route, RemoteNodeReason> FindRoute(NetworkSnapshot snapshot, Underlay underlay, Ipv4Address address)
    {
        var outcome = RouteLookup.Find(snapshot, address, underlay.LocalAddress, underlay.Tunnel.BoundIfIndex);
        return outcome switch
        {
            { Verdict: RouteVerdict.Forward, Route: { } route } =>
                route.PreferredSource is { } source && source != underlay.LocalAddress
                && snapshot.Links.GetValueOrDefault(underlay.Tunnel.IfIndex)?.Vxlan?.Local is null
                    ? Refuse(RemoteNodeReason.SourceMismatch,
                        $"remote node {address}: its route prefers source {source}, must be {underlay.LocalAddress}; "
                        + $"give {underlay.Tunnel.Name} a local address")
                    : route,
            { Verdict: RouteVerdict.Local } =>
                Refuse(RemoteNodeReason.LocalAddress, $"remote node {address}: is an address of this node, must be another's"),
            { Verdict: RouteVerdict.Refused } =>
                Refuse(RemoteNodeReason.RouteRefused, $"remote node {address}: a blackhole, unreachable or prohibit route covers it"),
            { Verdict: RouteVerdict.Special, Route: { } route } =>
                Refuse(RemoteNodeReason.UnsupportedRoute,
                    $"remote node {address}: route {route.Destination} is {Describe(route)}, must have one plain next hop"),
            { Verdict: RouteVerdict.Undecided, Rule: { } rule } =>
                Refuse(RemoteNodeReason.PolicyRouting, $"remote node {address}: routing rule {rule.Priority} may send packets elsewhere"),
            _ => Refuse(RemoteNodeReason.NoRoute, $"remote node {address}: no route"),
        };
    }

    private static Resolution<Link, RemoteNodeReason> FindDevice(NetworkSnapshot snapshot, Ipv4Address address, Ipv4Route route)
    {
        if (!snapshot.Links.TryGetValue(route.OutIfIndex, out var nic))
        {
            return Refuse(RemoteNodeReason.NoRoute,
                $"remote node {address}: route {route.Destination} leaves by ifindex {route.OutIfIndex}, which is gone");
        }

        return UnderlayDevice.Check(snapshot, nic) switch
        {
            UnderlayDeviceFault.None => nic,
            UnderlayDeviceFault.Down =>
                Refuse(RemoteNodeReason.DeviceDown, $"remote node {address}: device {nic.Name} is down, must be up"),
            _ => Refuse(RemoteNodeReason.NotEthernet,
                $"remote node {address}: its route leaves by {nic.Name} of kind '{nic.Kind}', "
                + "must be a plain Ethernet device outside any VRF"),
        };
    }

    private static Resolution<Neighbour, RemoteNodeReason> FindNextHop(
        NetworkSnapshot snapshot, Ipv4Address address, Ipv4Route route, Link nic)
    {
        var nextHop = route.Gateway ?? address;
        var probe = new NeighbourProbe(nic.IfIndex, nextHop);
        return snapshot.Neighbour(nic.IfIndex, nextHop) switch
        {
            { IsUsable: true } neighbour => neighbour,
            { State: var state } when state.HasFlag(NeighbourState.Failed) => Refuse(RemoteNodeReason.NextHopFailed,
                $"remote node {address}: next hop {nextHop} does not answer ARP on {nic.Name}", probe),
            _ => Refuse(RemoteNodeReason.NextHopUnresolved,
                $"remote node {address}: next hop {nextHop} has no Ethernet address on {nic.Name} yet", probe),
        };
    }

    private static string Describe(Ipv4Route route) => route switch
    {
        { Tos: not 0 } => "for one TOS only",
        { Specialty: RouteSpecialty.Multipath } => "multipath",
        { Specialty: RouteSpecialty.Ipv6Gateway } => "via an IPv6 gateway",
        { Specialty: RouteSpecialty.Encapsulated } => "encapsulating",
        { Specialty: RouteSpecialty.NexthopObject } => "by a nexthop object",
        _ => $"of type {route.Type}",
    };

    private static string Describe(XfrmPolicy policy) =>
        policy.Action == XfrmAction.Block ? $"dir {policy.Direction}, block" : $"dir {policy.Direction}, {policy.TemplateCount} templates";

    private static Refusal<RemoteNodeReason> Refuse(RemoteNodeReason reason, string message, NeighbourProbe? probe = null) =>
        new(reason, message, probe);
}
