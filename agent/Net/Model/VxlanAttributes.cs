namespace OnCache.Agent.Net;

/// <summary>The settings of a VXLAN device.</summary>
internal sealed record VxlanAttributes
{
    /// <summary>The VNI.</summary>
    public uint Id { get; init; }

    /// <summary>The UDP destination port.</summary>
    public ushort Port { get; init; }

    /// <summary>The UDP source ports; 0 and 0 mean the kernel's local port range.</summary>
    public ushort SourcePortLow { get; init; }

    public ushort SourcePortHigh { get; init; }

    /// <summary>The outer source address; null when the kernel chooses.</summary>
    public Ipv4Address? Local { get; init; }

    /// <summary>A local, group or remote address is IPv6.</summary>
    public bool UsesIpv6 { get; init; }

    /// <summary>The device outer packets must leave by; 0 when the route decides.</summary>
    public int LinkIfIndex { get; init; }

    /// <summary>The outer TTL; 0 means the kernel's default.</summary>
    public byte Ttl { get; init; }

    public bool TtlInherit { get; init; }

    /// <summary>The outer TOS; <see cref="InheritTos"/> means the inner packet's.</summary>
    public byte Tos { get; init; }

    public VxlanDontFragment DontFragment { get; init; }

    public bool Learning { get; init; }

    /// <summary>Outer UDP checksums are computed on transmission. The kernel's default for a device made without saying.</summary>
    public bool UdpChecksum { get; init; }

    public bool GroupPolicy { get; init; }

    public bool GenericProtocolExtension { get; init; }

    public bool RemoteChecksum { get; init; }

    /// <summary>An "external" device: the tunnel key comes with each packet.</summary>
    public bool CollectMetadata { get; init; }

    /// <summary>The value of <see cref="Tos"/> that means "copy the inner one".</summary>
    public const byte InheritTos = 1;
}

/// <summary>IFLA_VXLAN_DF.</summary>
internal enum VxlanDontFragment : byte
{
    Unset = 0,
    Set = 1,
    Inherit = 2,
}
