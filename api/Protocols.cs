using System.Text.Json.Serialization;
using OnCache.Kubernetes.Serialization;

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

/// <summary>One of the protocols a policy may accelerate.</summary>
[JsonConverter(typeof(EnumText<Protocol>))]
public enum Protocol
{
    /// <summary>TCP.</summary>
    [JsonStringEnumMemberName("TCP")]
    Tcp,

    /// <summary>UDP.</summary>
    [JsonStringEnumMemberName("UDP")]
    Udp,

    /// <summary>ICMP echo request and reply.</summary>
    [JsonStringEnumMemberName("ICMP")]
    Icmp,
}

/// <summary>A protocol that has ports.</summary>
[JsonConverter(typeof(EnumText<TransportProtocol>))]
public enum TransportProtocol
{
    /// <summary>TCP.</summary>
    [JsonStringEnumMemberName("TCP")]
    Tcp,

    /// <summary>UDP.</summary>
    [JsonStringEnumMemberName("UDP")]
    Udp,
}

/// <summary>The protocols as a list, which is how objects spell them, and as bits, which is how the datapath does.</summary>
public static class ProtocolList
{
    /// <summary>The bits of the listed protocols.</summary>
    public static Protocols ToBits(this IEnumerable<Protocol> list) =>
        list.Aggregate(Protocols.None, (all, one) => all | (Protocols)(1 << (int)one));

    /// <summary>The list of the bits, in the order of their declaration.</summary>
    public static IReadOnlyList<Protocol> ToList(this Protocols bits) =>
        [.. Enum.GetValues<Protocol>().Where(one => bits.HasFlag((Protocols)(1 << (int)one)))];
}
