using System.Net;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Cluster.Nodes;

/// <summary>The batches that build a cluster's network. The nodes and the control plane meet on a bridge; pod ranges are known only later.</summary>
internal static class ClusterTopology
{
    /// <summary>On the nodes' wire, out of their way.</summary>
    public static IPAddress ControlPlaneAddress { get; } = IPAddress.Parse("192.168.77.253");

    /// <summary>Run in the root namespace: all namespaces and their links to the wire.</summary>
    public static string Root(ClusterNames names, int nodes, int mtu)
    {
        var script = new Batch();
        string[] members = ["cp", .. Enumerable.Range(1, nodes).Select(ClusterNames.Node)];
        foreach (var ns in members.Select(names.Namespace).Prepend(names.WireNamespace))
        {
            script.Line($"netns add {ns}");
        }

        foreach (var member in members)
        {
            script.Line($"link add name {LabNames.Underlay} mtu {mtu} netns {names.Namespace(member)} type veth "
                + $"peer name {member} mtu {mtu} netns {names.WireNamespace}");
        }

        return script.ToString();
    }

    /// <summary>Run in the wire's namespace.</summary>
    public static string Wire(int nodes, int mtu)
    {
        var script = new Batch();
        script.Line($"link add {LabNames.WireBridge} mtu {mtu} type bridge");
        script.Line($"link set {LabNames.WireBridge} up");
        foreach (var member in Enumerable.Range(1, nodes).Select(ClusterNames.Node).Prepend("cp"))
        {
            script.Line($"link set {member} master {LabNames.WireBridge} up");
        }

        return script.ToString();
    }

    /// <summary>Run in a node's or the control plane's namespace: its place on the wire.</summary>
    public static string Host(IPAddress address)
    {
        var script = new Batch();
        script.Line("link set lo up");
        script.Line($"link set {LabNames.Underlay} up");
        script.Line($"address add {address}/{AddressPlan.NodePrefixLength} dev {LabNames.Underlay}");

        // Nobody has the gateway's address, but without a route a host could not send to a service's address before its translation.
        script.Line($"route add default via {AddressPlan.WireGateway}");

        // kubelet looks for the clouds' metadata as it begins, and is told at once that there is none.
        script.Line("route add unreachable 169.254.169.254");
        return script.ToString();
    }

    /// <summary>Run in the control plane's namespace: webhooks and aggregated APIs are called at their pods' addresses.</summary>
    public static string ControlPlaneRoutes(IEnumerable<TunnelEnd> nodes)
    {
        var script = new Batch();
        foreach (var node in nodes)
        {
            script.Line($"route replace {node.PodCidr} via {node.Node}");
        }

        return script.ToString();
    }

    /// <summary>Run in a node's namespace: its end of the overlay and the way to all others.</summary>
    public static string Overlay(TunnelEnd own, IEnumerable<TunnelEnd> peers, int mtu)
    {
        var script = new Batch();
        TunnelScript.Device(script, own, mtu - AddressPlan.EncapsulationBytes);
        foreach (var peer in peers)
        {
            TunnelScript.Peer(script, peer);
        }

        return script.ToString();
    }

    /// <summary>For <c>bridge -batch</c> in a node's namespace.</summary>
    public static string ForwardingDatabase(IEnumerable<TunnelEnd> peers)
    {
        var script = new Batch();
        foreach (var peer in peers)
        {
            TunnelScript.Forwarding(script, peer);
        }

        return script.ToString();
    }
}
