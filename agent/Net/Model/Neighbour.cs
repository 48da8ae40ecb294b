namespace OnCache.Agent.Net;

/// <summary>An IPv4 neighbour table entry.</summary>
/// <param name="IfIndex">The device the neighbour is on.</param>
/// <param name="Address">Its IPv4 address.</param>
/// <param name="Mac">Its Ethernet address; null while unknown.</param>
/// <param name="State">What the kernel thinks of it.</param>
internal sealed record Neighbour(int IfIndex, Ipv4Address Address, MacAddress? Mac, NeighbourState State)
{
    /// <summary>True when the kernel would send to <see cref="Mac"/> now.</summary>
    public bool IsUsable =>
        Mac is { IsZero: false }
        && (State & (NeighbourState.Reachable | NeighbourState.Stale | NeighbourState.Delay | NeighbourState.Probe
            | NeighbourState.NoArp | NeighbourState.Permanent)) != NeighbourState.None;
}

/// <summary>NUD_* of linux/neighbour.h.</summary>
[Flags]
internal enum NeighbourState : ushort
{
    None = 0,
    Incomplete = 0x01,
    Reachable = 0x02,
    Stale = 0x04,
    Delay = 0x08,
    Probe = 0x10,
    Failed = 0x20,
    NoArp = 0x40,
    Permanent = 0x80,
}
