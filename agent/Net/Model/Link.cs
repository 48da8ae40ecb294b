namespace OnCache.Agent.Net;

/// <summary>A network device.</summary>
internal sealed record Link
{
    public required int IfIndex { get; init; }

    public required string Name { get; init; }

    /// <summary>The driver's kind ("veth", "bridge", "vxlan", ...); empty for a physical device.</summary>
    public string Kind { get; init; } = "";

    /// <summary>Null when the device has no Ethernet address.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>The hardware type (ARPHRD_*): 1 is Ethernet.</summary>
    public ushort HardwareType { get; init; } = Ethernet;

    /// <summary>Longest layer 3 packet, in octets.</summary>
    public int Mtu { get; init; }

    public LinkFlags Flags { get; init; }

    public OperationalState OperationalState { get; init; }

    /// <summary>The bridge, bond or VRF this device belongs to; 0 when none.</summary>
    public int MasterIfIndex { get; init; }

    /// <summary>
    /// The veth peer or the device below (IFLA_LINK); 0 when none. With <see cref="PeerNamespaceId"/> set it is an index of that namespace.
    /// </summary>
    public int PeerIfIndex { get; init; }

    /// <summary>The other namespace's id, local to this one; null when the peer is in this namespace.</summary>
    public int? PeerNamespaceId { get; init; }

    /// <summary>The root queueing discipline's name as the device reports it.</summary>
    public string QueueingDiscipline { get; init; } = "";

    /// <summary>Set for a device of kind "vxlan".</summary>
    public VxlanAttributes? Vxlan { get; init; }

    /// <summary>An XDP program is attached.</summary>
    public bool HasXdp { get; init; }

    /// <summary>Of a bridge: it tells VLANs apart.</summary>
    public bool VlanFiltering { get; init; }

    /// <summary>Of a bridge's port; null of any other device.</summary>
    public BridgePortState? PortState { get; init; }

    /// <summary>Of a bridge's port: it takes frames from stations alone that somebody has let in.</summary>
    public bool IsLockedPort { get; init; }

    public bool IsUp => Flags.HasFlag(LinkFlags.Up);

    public bool IsEthernet => HardwareType == Ethernet && Mac is not null;

    // ARPHRD_ETHER of linux/if_arp.h.
    private const ushort Ethernet = 1;
}

/// <summary>The flags of linux/if.h that matter here.</summary>
[Flags]
internal enum LinkFlags : uint
{
    None = 0,
    Up = 1 << 0,
    Broadcast = 1 << 1,
    Loopback = 1 << 3,
    PointToPoint = 1 << 4,
    Running = 1 << 6,
    NoArp = 1 << 7,
    LowerUp = 1 << 16,
}

/// <summary>BR_STATE_* of linux/if_bridge.h. Only a forwarding port takes and gives frames.</summary>
internal enum BridgePortState : byte
{
    Disabled = 0,
    Listening = 1,
    Learning = 2,
    Forwarding = 3,
    Blocking = 4,
}

/// <summary>RFC 2863 states, as linux/if.h numbers them.</summary>
internal enum OperationalState : byte
{
    Unknown = 0,
    NotPresent = 1,
    Down = 2,
    LowerLayerDown = 3,
    Testing = 4,
    Dormant = 5,
    Up = 6,
}
