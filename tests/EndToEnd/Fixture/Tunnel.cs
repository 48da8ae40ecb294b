using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;

namespace OnCache.EndToEnd.Fixture;

/// <summary>What flannel does to a node's overlay after it was laid.</summary>
internal static class Tunnel
{
    /// <summary>Makes a VXLAN device that was deleted anew, with the entries of all peers.</summary>
    public static async Task MakeAsync(LabNode node, OverlayLab lab)
    {
        await node.DoAsync($"ip link add {node.TunnelDevice} mtu {lab.PodMtu} address {node.TunnelMac} type vxlan id {AddressPlan.Vni} "
            + $"local {node.Address} dev {node.UnderlayDevice} dstport {AddressPlan.VxlanPort} nolearning");
        await node.DoAsync($"ip address add {AddressPlan.Tunnel(node.Index)}/32 dev {node.TunnelDevice}");
        await node.DoAsync($"ip link set {node.TunnelDevice} up");
        foreach (var peer in lab.Nodes.Where(other => other != node))
        {
            await JoinAsync(node, peer);
        }
    }

    /// <summary>Tells a node of a peer.</summary>
    public static async Task JoinAsync(LabNode node, LabNode peer)
    {
        var gateway = AddressPlan.Tunnel(peer.Index);
        await node.DoAsync($"ip route add {peer.PodCidr} via {gateway} dev {node.TunnelDevice} onlink");
        await node.DoAsync($"ip neighbour add {gateway} lladdr {peer.TunnelMac} dev {node.TunnelDevice} nud permanent");
        await node.DoAsync($"bridge fdb append {peer.TunnelMac} dev {node.TunnelDevice} dst {peer.Address} self permanent");
    }

    /// <summary>Takes a peer from a node.</summary>
    public static async Task ForgetAsync(LabNode node, LabNode peer)
    {
        var gateway = AddressPlan.Tunnel(peer.Index);
        await node.DoAsync($"bridge fdb del {peer.TunnelMac} dev {node.TunnelDevice} dst {peer.Address} self");
        await node.DoAsync($"ip neighbour del {gateway} dev {node.TunnelDevice}");
        await node.DoAsync($"ip route del {peer.PodCidr} dev {node.TunnelDevice}");
    }
}
