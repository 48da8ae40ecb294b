namespace OnCache.Api;

/// <summary>The protocols a policy may accelerate. The bits are those of an endpoint's protocol mask.</summary>
[Flags]
public enum Protocols
{
    /// <summary>No protocol: nothing is accelerated.</summary>
    None = 0,

    /// <summary>TCP.</summary>
    Tcp = 1,

    /// <summary>UDP.</summary>
    Udp = 2,

    /// <summary>ICMP echo request and reply.</summary>
    Icmp = 4,

    /// <summary>All of the above.</summary>
    All = Tcp | Udp | Icmp,
}

/// <summary>A protocol that has ports.</summary>
public enum TransportProtocol
{
    /// <summary>TCP.</summary>
    Tcp,

    /// <summary>UDP.</summary>
    Udp,
}
