namespace OnCache.Lab.Bench.Scale;

/// <summary>Where the fields lie that the scale benchmark writes into the agent's maps (bpf/layouts.h); a test compares them with the agent's own.</summary>
public static class DatapathLayout
{
    public const int ConfigMark = 4;
    public const int ConfigHeartbeatDeadline = 8;
    public const int ConfigTouchInterval = 32;

    public const int KeyLocalAddress = 0;
    public const int KeyRemoteAddress = 4;
    public const int KeyLocalPort = 8;
    public const int KeyRemotePort = 10;
    public const int KeyProtocol = 12;

    public const int EntryEgressLease = 0;
    public const int EntryIngressLease = 8;
    public const int EntryTouched = 16;
    public const int EntryEndpoint = 36;
    public const int EntryNode = 38;

    public const int EndpointAddress = 16;
    public const int EndpointPodMac = 28;
    public const int EndpointGatewayMac = 34;

    public const int NodeAddress = 8;
}
