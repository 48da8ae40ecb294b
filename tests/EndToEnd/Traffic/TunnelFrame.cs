using System.Buffers.Binary;
using System.Net.Sockets;
using OnCache.Lab.Topology;

namespace OnCache.EndToEnd.Traffic;

/// <summary>What the checksum of a tunnel's UDP header says.</summary>
internal enum OuterChecksum
{
    /// <summary>Zero: there is none.</summary>
    None,
    Right,
    Wrong,
}

/// <summary>A VXLAN frame of the wire, to be sent again with other checksums.</summary>
internal static class TunnelFrame
{
    private const int OuterIp = 14;
    private const int OuterUdp = OuterIp + 20;
    private const int Inner = OuterUdp + 16;
    private const int InnerIp = Inner + 14;
    private const int InnerTransport = InnerIp + 20;
    private const int ChecksumInUdp = 6;

    /// <summary>Whether this is an IPv4 packet of the overlay with such a transport protocol, and at least one octet of payload.</summary>
    public static bool Holds(ReadOnlySpan<byte> frame, ProtocolType protocol) =>
        frame.Length > InnerTransport + Header(protocol) && frame[OuterIp + 9] == (byte)ProtocolType.Udp
        && BinaryPrimitives.ReadUInt16BigEndian(frame[(OuterUdp + 2)..]) == AddressPlan.VxlanPort
        && BinaryPrimitives.ReadUInt16BigEndian(frame[(Inner + 12)..]) == 0x0800 && frame[InnerIp + 9] == (byte)protocol
        && BinaryPrimitives.ReadUInt16BigEndian(frame[(InnerIp + 2)..]) > 20 + Header(protocol);

    /// <summary>The Ethernet frame within.</summary>
    public static byte[] InnerOf(byte[] frame) => frame[Inner..];

    /// <summary>The same frame with all checksums as a sender computes them, after which its last octet may be damaged.</summary>
    public static byte[] Again(byte[] frame, OuterChecksum outer, bool damaged)
    {
        var again = frame.ToArray();
        var protocol = (ProtocolType)again[InnerIp + 9];
        Sum(again.AsSpan(InnerIp), ChecksumIn(protocol), pseudoHeader: protocol != ProtocolType.Icmp);
        if (damaged)
        {
            again[^1] ^= 0xff;
        }

        Sum(again.AsSpan(OuterIp), ChecksumInUdp, pseudoHeader: true);
        var written = again.AsSpan(OuterUdp + ChecksumInUdp, 2);
        switch (outer)
        {
            case OuterChecksum.None:
                written.Clear();
                break;
            case OuterChecksum.Wrong:
                written[0] ^= 0x55;
                break;
            default:
                break;
        }

        return again;
    }

    private static int Header(ProtocolType protocol) => protocol == ProtocolType.Tcp ? 32 : 8;

    private static int ChecksumIn(ProtocolType protocol) => protocol switch
    {
        ProtocolType.Tcp => 16,
        ProtocolType.Udp => ChecksumInUdp,
        _ => 2,
    };

    /// <summary>Writes the transport checksum of an IPv4 packet without options.</summary>
    private static void Sum(Span<byte> packet, int at, bool pseudoHeader)
    {
        var length = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]) - 20;
        var transport = packet.Slice(20, length);
        transport.Slice(at, 2).Clear();
        var even = new byte[length + (length & 1)];
        transport.CopyTo(even);
        var sum = 0u;
        if (pseudoHeader)
        {
            sum = packet[9] + (uint)length;
            for (var i = 12; i < 20; i += 2)
            {
                sum += BinaryPrimitives.ReadUInt16BigEndian(packet[i..]);
            }
        }

        BinaryPrimitives.WriteUInt16BigEndian(transport[at..], InternetChecksum.Of(even, sum));
    }
}
