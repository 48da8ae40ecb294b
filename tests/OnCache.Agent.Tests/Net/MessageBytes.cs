using OnCache.Agent.Net;

namespace OnCache.Agent.Tests.Net;

/// <summary>Messages as the kernel would send them.</summary>
internal static class MessageBytes
{
    private const int Longest = 512;

    /// <summary>What follows the fixed part.</summary>
    public delegate void Attributes(ref NetlinkMessageWriter writer);

    public static byte[] Build<T>(ushort type, T header, Attributes attributes, ushort flags = 0)
        where T : unmanaged
    {
        var writer = new NetlinkMessageWriter(new byte[Longest], type, flags);
        writer.Write(header);
        attributes(ref writer);
        return writer.Finish().ToArray();
    }

    /// <summary>Hands every message of the datagram to the updater.</summary>
    public static void Apply(this NetworkUpdater updater, byte[] datagram)
    {
        ReadOnlySpan<byte> rest = datagram;
        while (NetlinkMessage.TryTake(ref rest, out var message))
        {
            updater.Apply(message);
        }
    }

    public static byte[] Bytes(Ipv4Address address)
    {
        var octets = new byte[Ipv4Address.Length];
        address.CopyTo(octets);
        return octets;
    }

    public static byte[] Bytes(MacAddress address)
    {
        var octets = new byte[MacAddress.Length];
        address.CopyTo(octets);
        return octets;
    }
}
