using System.Buffers.Binary;

namespace OnCache.Agent.Tests.Datapath.Packets;

/// <summary>RFC 1071, straight from its definition: the oracle for every checksum.</summary>
internal static class InternetChecksum
{
    public static ushort Of(ReadOnlySpan<byte> octets, uint start = 0)
    {
        ulong sum = start;
        for (var i = 0; i < octets.Length; i += 2)
        {
            sum += (uint)(octets[i] << 8 | (i + 1 < octets.Length ? octets[i + 1] : 0));
        }

        while (sum > 0xffff)
        {
            sum = (sum & 0xffff) + (sum >> 16);
        }

        return (ushort)~sum;
    }

    /// <summary>The sum over the pseudo header of TCP and UDP, where <paramref name="ipv4"/> is the IPv4 header.</summary>
    public static uint PseudoHeader(ReadOnlySpan<byte> ipv4, byte protocol, int length)
    {
        uint sum = (uint)(protocol + length);
        for (var i = 12; i < 20; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(ipv4[i..]);
        }

        return sum;
    }
}
