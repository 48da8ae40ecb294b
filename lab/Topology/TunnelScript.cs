using System.Net;

namespace OnCache.Lab.Topology;

/// <summary>One end of the overlay: a node's address on the wire, its pods' range and the MAC address of its VXLAN device.</summary>
/// <param name="PodCidr">Its network address is the VXLAN device's, as flannel has it.</param>
internal sealed record TunnelEnd(IPAddress Node, IPNetwork PodCidr, string Mac);

/// <summary>The overlay between the nodes as flannel lays it: a VXLAN device without learning; a route, a neighbour and an FDB entry a peer.</summary>
internal static class TunnelScript
{
    public static void Device(Batch script, TunnelEnd own, int mtu)
    {
        script.Line($"link add {LabNames.Tunnel} mtu {mtu} address {own.Mac} type vxlan id {AddressPlan.Vni} "
            + $"local {own.Node} dev {LabNames.Underlay} dstport {AddressPlan.VxlanPort} nolearning");
        script.Line($"address add {own.PodCidr.BaseAddress}/32 dev {LabNames.Tunnel}");
        script.Line($"link set {LabNames.Tunnel} up");
    }

    public static void Peer(Batch script, TunnelEnd peer)
    {
        script.Line($"route add {peer.PodCidr} via {peer.PodCidr.BaseAddress} dev {LabNames.Tunnel} onlink");
        script.Line($"neighbour add {peer.PodCidr.BaseAddress} lladdr {peer.Mac} dev {LabNames.Tunnel} nud permanent");
    }

    /// <summary>For <c>bridge -batch</c>: where a remote end lives.</summary>
    public static void Forwarding(Batch script, TunnelEnd peer) =>
        script.Line($"fdb append {peer.Mac} dev {LabNames.Tunnel} dst {peer.Node} self permanent");
}
