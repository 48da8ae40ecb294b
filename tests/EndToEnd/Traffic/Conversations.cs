using OnCache.Api;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Traffic;

/// <summary>A conversation of each protocol.</summary>
internal static class Conversations
{
    public static async Task<IConversation> OpenAsync(Protocols protocol, IPod client, IPod server) => protocol switch
    {
        Protocols.Tcp => await TcpConversation.OpenAsync(client, server),
        Protocols.Udp => new UdpConversation(client, server),
        Protocols.Icmp => new IcmpConversation(client, server),
        _ => throw new ArgumentOutOfRangeException(nameof(protocol), protocol, "one of TCP, UDP and ICMP"),
    };
}
