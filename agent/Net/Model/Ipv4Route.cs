namespace OnCache.Agent.Net;

/// <summary>One IPv4 route.</summary>
internal sealed record Ipv4Route
{
    /// <summary>255 is local, 254 main, 253 default.</summary>
    public uint Table { get; init; } = MainTable;

    public required Ipv4Prefix Destination { get; init; }

    public byte Tos { get; init; }

    /// <summary>The metric; lower wins.</summary>
    public uint Priority { get; init; }

    public RouteType Type { get; init; } = RouteType.Unicast;

    public byte Scope { get; init; }

    public byte Protocol { get; init; }

    /// <summary>The device; 0 when there is none or several.</summary>
    public int OutIfIndex { get; init; }

    /// <summary>Null when the destination is a neighbour itself.</summary>
    public Ipv4Address? Gateway { get; init; }

    public Ipv4Address? PreferredSource { get; init; }

    /// <summary>The gateway is taken to be a neighbour whatever the addresses say.</summary>
    public bool OnLink { get; init; }

    /// <summary>The route's own MTU in octets; 0 when it has none.</summary>
    public int Mtu { get; init; }

    /// <summary>What makes the next hop one that is not understood here.</summary>
    public RouteSpecialty Specialty { get; init; }

    public const uint DefaultTable = 253;
    public const uint MainTable = 254;
    public const uint LocalTable = 255;
}

/// <summary>RTN_* of linux/rtnetlink.h.</summary>
internal enum RouteType : byte
{
    Unspecified = 0,
    Unicast = 1,
    Local = 2,
    Broadcast = 3,
    Anycast = 4,
    Multicast = 5,
    Blackhole = 6,
    Unreachable = 7,
    Prohibit = 8,
    Throw = 9,
    Nat = 10,
}

/// <summary>Next hops that one device and one gateway do not describe.</summary>
internal enum RouteSpecialty : byte
{
    None = 0,
    Multipath,
    Ipv6Gateway,
    Encapsulated,

    /// <summary>A nexthop object whose device the kernel does not repeat in the route.</summary>
    NexthopObject,
}
