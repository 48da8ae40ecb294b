using OnCache.Agent.Net;

namespace OnCache.Agent.Topology;

/// <summary>The node's side of the tunnel.</summary>
internal sealed record Underlay
{
    public required TunnelDevice Tunnel { get; init; }

    public required UnderlayNic Nic { get; init; }

    /// <summary>The outer source address of everything this node sends.</summary>
    public required Ipv4Address LocalAddress { get; init; }
}

/// <summary>The VXLAN device and how it builds outer headers.</summary>
internal sealed record TunnelDevice
{
    public required int IfIndex { get; init; }

    public required string Name { get; init; }

    /// <summary>The inner source address of encapsulated frames.</summary>
    public required MacAddress Mac { get; init; }

    public required uint Vni { get; init; }

    /// <summary>The UDP destination port.</summary>
    public required ushort Port { get; init; }

    /// <summary>UDP source ports: the kernel takes low + hash scaled to (high - low), so the last one is never used.</summary>
    public required PortRange SourcePorts { get; init; }

    /// <summary>The outer TTL, never 0.</summary>
    public required byte Ttl { get; init; }

    /// <summary>The outer TOS when <see cref="TosInherit"/> is false. Its ECN bits come from the inner packet in either case.</summary>
    public required byte Tos { get; init; }

    /// <summary>The outer TOS is the inner packet's.</summary>
    public required bool TosInherit { get; init; }

    /// <summary>The outer header has DF set.</summary>
    public required bool DontFragment { get; init; }

    /// <summary>The device computes outer UDP checksums; a receiver accepts 0 all the same (RFC 7348 section 5).</summary>
    public required bool UdpChecksum { get; init; }

    /// <summary>Longest inner layer 3 packet, in octets.</summary>
    public required int Mtu { get; init; }

    /// <summary>The device outer packets are bound to; 0 when the route decides.</summary>
    public required int BoundIfIndex { get; init; }
}

/// <summary>The device that carries outer packets.</summary>
/// <param name="IfIndex">Its number.</param>
/// <param name="Name">Its name.</param>
/// <param name="Mac">Its address.</param>
/// <param name="Mtu">Longest outer layer 3 packet, in octets.</param>
internal sealed record UnderlayNic(int IfIndex, string Name, MacAddress Mac, int Mtu);

/// <summary>Ports from Low to High.</summary>
internal readonly record struct PortRange(ushort Low, ushort High);

/// <summary>What the resolver cannot learn by netlink.</summary>
/// <param name="TunnelName">The VXLAN device; null for the only one that is up.</param>
/// <param name="LocalPorts">sysctl net.ipv4.ip_local_port_range, the source ports of a device without a range of its own.</param>
/// <param name="DefaultTtl">sysctl net.ipv4.ip_default_ttl, the TTL of a device without one of its own.</param>
internal sealed record UnderlayOptions(string? TunnelName, PortRange LocalPorts, byte DefaultTtl);

/// <summary>Why a node cannot be accelerated.</summary>
internal enum UnderlayReason
{
    NoTunnel,
    SeveralTunnels,
    NotVxlan,
    TunnelDown,
    CollectMetadata,
    GroupPolicy,
    GenericProtocolExtension,
    RemoteChecksum,
    TtlInherit,
    DontFragmentInherit,
    Ipv6Underlay,
    NoLocalAddress,
    NoNic,
    NicNotEthernet,
    NicDown,
    NicInVrf,
}
