using OnCache.Agent.Net;

namespace OnCache.Agent.Tests.Datapath.Packets;

/// <summary>The addresses of the stage that every case plays on: this node with two pods, two remote nodes.</summary>
internal static class WellKnown
{
    public const uint Vni = 42;
    public const ushort TunnelPort = 8472;
    public const ushort SourcePortMin = 32768;
    public const ushort SourcePortCount = 28231;

    private static readonly Dictionary<string, string> s_ip = new(StringComparer.Ordinal)
    {
        ["pod"] = "10.244.1.2",
        ["other-pod"] = "10.244.1.3",
        ["gateway"] = "10.244.1.1",
        ["remote-pod"] = "10.244.2.2",
        ["remote-gateway"] = "10.244.2.0",
        ["service"] = "10.96.0.10",
        ["outside"] = "203.0.113.9",
        ["node"] = "192.168.77.1",
        ["remote-node"] = "192.168.77.2",
        ["other-node"] = "192.168.77.3",
        ["unknown-node"] = "192.168.77.99",
    };

    private static readonly Dictionary<string, string> s_mac = new(StringComparer.Ordinal)
    {
        ["pod"] = "02:0a:00:00:01:02",
        ["other-pod"] = "02:0a:00:00:01:03",
        ["gateway"] = "02:0a:00:00:01:01",
        ["nic"] = "02:0b:00:00:00:01",
        ["next-hop"] = "02:0b:00:00:00:02",
        ["tunnel"] = "02:0c:00:00:00:01",
        ["remote-tunnel"] = "02:0c:00:00:00:02",
        ["stranger"] = "02:0d:00:00:00:09",
    };

    /// <exception cref="FormatException">Neither a name nor an address.</exception>
    public static Ipv4Address Ip(string text) => Ipv4Address.Parse(s_ip.GetValueOrDefault(text, text));

    /// <inheritdoc cref="Ip"/>
    public static MacAddress Mac(string text) => MacAddress.Parse(s_mac.GetValueOrDefault(text, text));
}
