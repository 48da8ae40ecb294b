using System.Text.Json.Serialization;

namespace OnCache.Lab.Traffic;

/// <summary>What the generator does on the wire.</summary>
public enum TrafficKind
{
    /// <summary>One request and one response at a time over one TCP connection.</summary>
    [JsonStringEnumMemberName("tcp-rr")]
    TcpRequestResponse,

    /// <summary>One request and one response at a time in UDP datagrams.</summary>
    [JsonStringEnumMemberName("udp-rr")]
    UdpRequestResponse,

    /// <summary>Bulk over one TCP connection.</summary>
    [JsonStringEnumMemberName("tcp-stream")]
    TcpStream,

    /// <summary>Datagrams one way, within a window that the receiver's sparse reports open.</summary>
    [JsonStringEnumMemberName("udp-stream")]
    UdpStream,

    /// <summary>A TCP connection for every request and response.</summary>
    [JsonStringEnumMemberName("tcp-crr")]
    TcpConnectRequestResponse,
}
