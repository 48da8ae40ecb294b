using OnCache.Agent.Net;

namespace OnCache.Agent.Topology;

/// <summary>Where a local pod hangs on this node.</summary>
internal sealed record EndpointAttachment
{
    /// <summary>The host side of the pod's veth pair.</summary>
    public required int HostIfIndex { get; init; }

    public required string HostIfName { get; init; }

    /// <summary>The bridge that it is a port of; 0 where there is none.</summary>
    public required int BridgeIfIndex { get; init; }

    public required MacAddress PodMac { get; init; }

    /// <summary>What the pod believes its gateway's address to be: the source of frames delivered to it.</summary>
    public required MacAddress GatewayMac { get; init; }

    /// <summary>Longest layer 3 packet of the veth, in octets.</summary>
    public required int Mtu { get; init; }

    /// <summary>Why traffic from the pod must keep passing the veth's tc; null when nothing is there.</summary>
    public string? EgressShaped { get; init; }

    /// <summary>Why traffic to the pod must keep passing the veth's tc; null when nothing is there.</summary>
    public string? IngressShaped { get; init; }
}

/// <summary>Why a pod is not accelerated.</summary>
internal enum EndpointReason
{
    NoRoute,

    /// <summary>The address is this node's own: a host-network pod.</summary>
    LocalAddress,

    UnsupportedRoute,
    PolicyRouting,

    /// <summary>The way to the pod is neither a bridge nor a veth.</summary>
    NotVeth,

    /// <summary>The veth's other end is in this namespace too.</summary>
    PeerNotInPod,

    DeviceDown,

    /// <summary>The pod's Ethernet address is not known (yet).</summary>
    NeighbourUnresolved,

    /// <summary>The bridge has not learned behind which port the pod is (yet).</summary>
    PortUnknown,

    /// <summary>The bridge has the pod's Ethernet address behind several ports.</summary>
    Ambiguous,
}
