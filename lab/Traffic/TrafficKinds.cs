namespace OnCache.Lab.Traffic;

/// <summary>Facts about the kinds of traffic.</summary>
public static class TrafficKinds
{
    public static IReadOnlyDictionary<string, TrafficKind> ByName { get; } = new Dictionary<string, TrafficKind>(StringComparer.Ordinal)
    {
        ["tcp-rr"] = TrafficKind.TcpRequestResponse,
        ["udp-rr"] = TrafficKind.UdpRequestResponse,
        ["tcp-stream"] = TrafficKind.TcpStream,
        ["udp-stream"] = TrafficKind.UdpStream,
        ["tcp-crr"] = TrafficKind.TcpConnectRequestResponse,
    };

    /// <summary>Payload bytes of one message when nothing else is asked for.</summary>
    public static int DefaultSize(this TrafficKind kind) => kind switch
    {
        TrafficKind.TcpStream => 128 * 1024,
        TrafficKind.UdpStream => 1400,
        TrafficKind.UdpRequestResponse => TrafficRequest.MinDatagram,
        _ => 1,
    };

    public static bool IsDatagram(this TrafficKind kind) => kind is TrafficKind.UdpRequestResponse or TrafficKind.UdpStream;

    /// <summary>Streams have a throughput; the others a time per transaction.</summary>
    public static bool IsStream(this TrafficKind kind) => kind is TrafficKind.TcpStream or TrafficKind.UdpStream;
}
