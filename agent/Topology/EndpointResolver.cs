using OnCache.Agent.Net;

namespace OnCache.Agent.Topology;

using EndpointResolution = Resolution<EndpointAttachment, EndpointReason>;

/// <summary>
/// Finds a local pod's host-side veth. The route to the pod names a device: a bridge (its neighbour entry and forwarding table lead to
/// the port; flannel's layout) or the veth itself (a /32 route; Calico's layout).
/// </summary>
internal static class EndpointResolver
{
    /// <param name="snapshot">The network.</param>
    /// <param name="ports">Those of its bridges.</param>
    /// <param name="pod">The pod's address.</param>
    /// <param name="isOwnFilter">Recognises our own bpf filters by their name; they do not count as shaping.</param>
    public static EndpointResolution Resolve(NetworkSnapshot snapshot, BridgePorts ports, Ipv4Address pod, Predicate<TcFilter> isOwnFilter)
    {
        var outcome = RouteLookup.Find(snapshot, pod);
        if (!FindDevice(snapshot, pod, outcome).TryGet(out var device, out var refusal)
            || !FindNeighbour(snapshot, pod, device).TryGet(out var neighbour, out refusal)
            || !FindVeth(snapshot, ports, pod, device, neighbour).TryGet(out var veth, out refusal))
        {
            return refusal;
        }

        return CheckVeth(snapshot, pod, veth) is { } unfit
            ? unfit
            : new EndpointAttachment
            {
                HostIfIndex = veth.IfIndex,
                HostIfName = veth.Name,
                BridgeIfIndex = veth.MasterIfIndex,
                PodMac = neighbour.Mac.GetValueOrDefault(),
                GatewayMac = device.Mac.GetValueOrDefault(),
                // The CNI's path forwards to the bridge, by the route.
                Mtu = Math.Min(Math.Min(veth.Mtu, device.Mtu), outcome.Route is { Mtu: > 0 and var limit } ? limit : int.MaxValue),
                EgressShaped = Shaping.FromPod(snapshot, veth, isOwnFilter),
                IngressShaped = Shaping.ToPod(snapshot, veth, isOwnFilter),
            };
    }

    private static Resolution<Link, EndpointReason> FindDevice(NetworkSnapshot snapshot, Ipv4Address pod, RouteOutcome outcome)
    {
        return outcome switch
        {
            { Verdict: RouteVerdict.Forward, Route: { Gateway: null } route } =>
                snapshot.Links.GetValueOrDefault(route.OutIfIndex) switch
                {
                    null => Refuse(EndpointReason.NoRoute,
                        $"pod {pod}: route {route.Destination} leaves by ifindex {route.OutIfIndex}, which is gone"),
                    { Kind: not ("bridge" or "veth") } other => Refuse(EndpointReason.NotVeth,
                        $"pod {pod}: its route leaves by {other.Name} of kind '{other.Kind}', must be a bridge or a veth"),
                    { Mac: null } bare => Refuse(EndpointReason.NotVeth, $"pod {pod}: {bare.Name} has no Ethernet address"),
                    { IsUp: false } down => Refuse(EndpointReason.DeviceDown, $"pod {pod}: {down.Name} is down, must be up"),
                    var deaf when !snapshot.Forwards(deaf.IfIndex) =>
                        Refuse(EndpointReason.DeviceDown, $"pod {pod}: net.ipv4.conf.{deaf.Name}.forwarding is 0, must be 1"),
                    var device => device,
                },
            { Verdict: RouteVerdict.Forward, Route: { } route } => Refuse(EndpointReason.UnsupportedRoute,
                $"pod {pod}: its route goes through gateway {route.Gateway}, must be a neighbour of this node"),
            { Verdict: RouteVerdict.Local } =>
                Refuse(EndpointReason.LocalAddress, $"pod {pod}: is an address of this node, must be a pod's own"),
            { Verdict: RouteVerdict.Special, Route: { } route } =>
                Refuse(EndpointReason.UnsupportedRoute, $"pod {pod}: route {route.Destination} must have one plain next hop"),
            { Verdict: RouteVerdict.Undecided, Rule: { } rule } =>
                Refuse(EndpointReason.PolicyRouting, $"pod {pod}: routing rule {rule.Priority} may send its packets elsewhere"),
            _ => Refuse(EndpointReason.NoRoute, $"pod {pod}: no route"),
        };
    }

    private static Resolution<Neighbour, EndpointReason> FindNeighbour(NetworkSnapshot snapshot, Ipv4Address pod, Link device) =>
        snapshot.Neighbour(device.IfIndex, pod) is { IsUsable: true } neighbour
            ? neighbour
            : Refuse(EndpointReason.NeighbourUnresolved, $"pod {pod}: has no Ethernet address on {device.Name} yet",
                new NeighbourProbe(device.IfIndex, pod));

    private static Resolution<Link, EndpointReason> FindVeth(
        NetworkSnapshot snapshot, BridgePorts ports, Ipv4Address pod, Link device, Neighbour neighbour)
    {
        if (device.Kind == "veth")
        {
            return device;
        }

        var behind = ports.Of(device.IfIndex, neighbour.Mac.GetValueOrDefault());
        return behind switch
        {
            // Asking the pod makes it answer, which is what the bridge learns from.
            [] => Refuse(EndpointReason.PortUnknown, $"pod {pod}: bridge {device.Name} does not know the port of {neighbour.Mac} yet",
                new NeighbourProbe(device.IfIndex, pod)),
            [var port] => snapshot.Links[port] switch
            {
                { Kind: "veth" } veth => veth,
                var other => Refuse(EndpointReason.NotVeth,
                    $"pod {pod}: port {other.Name} of bridge {device.Name} is of kind '{other.Kind}', must be a veth"),
            },
            _ => Refuse(EndpointReason.Ambiguous,
                $"pod {pod}: bridge {device.Name} has {neighbour.Mac} behind "
                + $"{string.Join(", ", behind.Select(snapshot.NameOf))}, must be one port"),
        };
    }

    private static Refusal<EndpointReason>? CheckVeth(NetworkSnapshot snapshot, Ipv4Address pod, Link veth) =>
        veth.PeerNamespaceId is null
            ? Refuse(EndpointReason.PeerNotInPod, $"pod {pod}: the other end of {veth.Name} is {snapshot.NameOf(veth.PeerIfIndex)} in this "
                + "network namespace, must be in the pod's")
            : !veth.IsUp
                ? Refuse(EndpointReason.DeviceDown, $"pod {pod}: {veth.Name} is down, must be up")
                : veth.PortState is not (null or BridgePortState.Forwarding)
                    ? Refuse(EndpointReason.DeviceDown, $"pod {pod}: port {veth.Name} of its bridge is {veth.PortState.ToString()!.ToLowerInvariant()}, must be forwarding")
                    : veth.IsLockedPort
                        ? Refuse(EndpointReason.DeviceDown, $"pod {pod}: port {veth.Name} of its bridge is locked, must not be")
                        : null;

    private static Refusal<EndpointReason> Refuse(EndpointReason reason, string message, NeighbourProbe? probe = null) =>
        new(reason, message, probe);
}
