using OnCache.Agent.Net;

namespace OnCache.Agent.Topology;

/// <summary>A node at the other end of the tunnel, and how outer packets reach it.</summary>
internal sealed record RemoteNode
{
    /// <summary>The outer destination.</summary>
    public required Ipv4Address Address { get; init; }

    public required int NicIfIndex { get; init; }

    /// <summary>The outer Ethernet source.</summary>
    public required MacAddress NicMac { get; init; }

    /// <summary>The router, or the address itself.</summary>
    public required Ipv4Address NextHop { get; init; }

    /// <summary>The outer Ethernet destination.</summary>
    public required MacAddress NextHopMac { get; init; }

    /// <summary>The inner Ethernet destination.</summary>
    public required MacAddress VtepMac { get; init; }

    /// <summary>The address on the tunnel device that resolves to <see cref="VtepMac"/>: the node's own; 0.0.0.0 when there is none.</summary>
    public required Ipv4Address TunnelAddress { get; init; }

    /// <summary>Longest inner IPv4 packet, in octets.</summary>
    public required int Mtu { get; init; }
}

/// <summary>What became of one address of the forwarding table.</summary>
/// <param name="Address">The outer destination.</param>
/// <param name="Resolution">The node, or why its packets stay on the CNI's path.</param>
internal sealed record RemoteNodeResult(Ipv4Address Address, Resolution<RemoteNode, RemoteNodeReason> Resolution);

/// <summary>Why a remote node is not accelerated.</summary>
internal enum RemoteNodeReason
{
    /// <summary>Several stations sit behind this address.</summary>
    AmbiguousStation,

    /// <summary>Its forwarding entry overrides the port, VNI or device.</summary>
    ForwardingOverride,

    NoRoute,
    RouteRefused,

    /// <summary>The address is this node's own.</summary>
    LocalAddress,

    /// <summary>Several next hops, an encapsulating route, a route for one TOS, ...</summary>
    UnsupportedRoute,

    PolicyRouting,

    /// <summary>The kernel would send from another address.</summary>
    SourceMismatch,

    /// <summary>The route leaves by a device that is not plain Ethernet: it may encrypt.</summary>
    NotEthernet,

    DeviceDown,

    /// <summary>The next hop's Ethernet address is not known (yet).</summary>
    NextHopUnresolved,

    /// <summary>The next hop does not answer.</summary>
    NextHopFailed,

    /// <summary>IPsec protects or blocks these packets.</summary>
    Ipsec,

    /// <summary>The underlay's MTU leaves no room for an inner packet.</summary>
    MtuTooSmall,
}
