namespace OnCache.Agent.Net;

/// <summary>Tells forwarding entries of one device apart.</summary>
/// <param name="Mac">The station.</param>
/// <param name="Vlan">The VLAN; 0 when the bridge does not filter.</param>
/// <param name="Self">The device's own table (VXLAN) rather than that of its bridge.</param>
internal readonly record struct FdbKey(MacAddress Mac, ushort Vlan, bool Self);

/// <summary>Where a bridge or VXLAN device sends frames of one station. Group addresses and the all-zero default are not kept.</summary>
internal sealed record FdbEntry
{
    /// <summary>The bridge port, or the VXLAN device.</summary>
    public required int IfIndex { get; init; }

    public required MacAddress Mac { get; init; }

    public ushort Vlan { get; init; }

    public bool Self { get; init; }

    /// <summary>The bridge; 0 for a device's own table.</summary>
    public int MasterIfIndex { get; init; }

    /// <summary>The remote tunnel endpoint of a VXLAN entry.</summary>
    public Ipv4Address? RemoteAddress { get; init; }

    /// <summary>The remote endpoint is IPv6, or a nexthop group.</summary>
    public bool RemoteIsOther { get; init; }

    /// <summary>A UDP port other than the device's; 0 when there is none.</summary>
    public ushort RemotePort { get; init; }

    /// <summary>A VNI other than the device's; null when there is none.</summary>
    public uint? RemoteVni { get; init; }

    /// <summary>A device this entry's packets must leave by; 0 when there is none.</summary>
    public int RemoteIfIndex { get; init; }

    /// <summary>The bridge's own or a port's own address: nothing is behind it.</summary>
    public bool Permanent { get; init; }

    public FdbKey Key => new(Mac, Vlan, Self);
}
