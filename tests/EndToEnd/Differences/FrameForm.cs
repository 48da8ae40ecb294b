using System.Buffers.Binary;
using System.Net;
using OnCache.Lab.Topology;

namespace OnCache.EndToEnd.Differences;

/// <summary>
/// The form of a frame: all that packets of one flow have in common, as text. What differs from packet to packet or by chance is left out, and so is
/// the outer UDP checksum, which the fast path leaves zero (docs/datapath.md, Per packet).
/// </summary>
/// <param name="nameOf">The name of a MAC address, as addresses differ from lab to lab.</param>
/// <param name="port">Only UDP packets of this port, at either end, have a form.</param>
internal sealed class FrameForm(Func<string, string> nameOf, int port)
{
    private const int EthernetBytes = 14;
    private const int UdpBytes = 8;
    private const int VxlanBytes = 8;

    // RFC 7348: the VNI is valid, and nothing else.
    private const byte VxlanFlags = 8;
    private const int Udp = 17;

    /// <summary>Null for a frame of something else.</summary>
    public string? Of(ReadOnlySpan<byte> frame)
    {
        if (Ip(frame) is not { } ip)
        {
            return null;
        }

        var packet = frame[EthernetBytes..];
        if (ip.Protocol == Udp && packet.Length >= ip.HeaderBytes + UdpBytes && BinaryPrimitives.ReadUInt16BigEndian(packet[(ip.HeaderBytes + 2)..]) == AddressPlan.VxlanPort)
        {
            var udp = packet[ip.HeaderBytes..];
            var flags = udp[UdpBytes] == VxlanFlags ? "" : $" flags {udp[UdpBytes]}";
            var vni = BinaryPrimitives.ReadInt32BigEndian(udp[(UdpBytes + 4)..]) >> 8;
            return Of(udp[(UdpBytes + VxlanBytes)..]) is { } inner ? $"{ip}, vxlan {vni}{flags}: {inner}" : null;
        }

        var isOurs = ip.Protocol == Udp
            && (ip.Fragment.EndsWith("fragment", StringComparison.Ordinal) || BinaryPrimitives.ReadUInt16BigEndian(packet[ip.HeaderBytes..]) == port || BinaryPrimitives.ReadUInt16BigEndian(packet[(ip.HeaderBytes + 2)..]) == port);
        return isOurs ? $"{nameOf(Mac(frame[6..]))} > {nameOf(Mac(frame))}, {ip}" : null;
    }

    private static string Mac(ReadOnlySpan<byte> bytes) => string.Join(':', bytes[..6].ToArray().Select(static part => $"{part:x2}"));

    private static IpHeader? Ip(ReadOnlySpan<byte> frame)
    {
        const int Least = 20;
        return frame.Length >= EthernetBytes + Least && BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) == 0x0800
            ? IpHeader.Read(frame[EthernetBytes..])
            : null;
    }

    private readonly record struct IpHeader(int HeaderBytes, byte Protocol, byte Tos, byte Ttl, string Fragment, IPAddress From, IPAddress To)
    {
        public static IpHeader Read(ReadOnlySpan<byte> packet)
        {
            var bits = BinaryPrimitives.ReadUInt16BigEndian(packet[6..]);
            var fragment = ((bits & 0x4000) != 0 ? " df" : "") + ((bits & 0x3fff) != 0 ? ", fragment" : "");
            return new IpHeader((packet[0] & 0xf) * 4, packet[9], packet[1], packet[8], fragment, new IPAddress(packet.Slice(12, 4)), new IPAddress(packet.Slice(16, 4)));
        }

        public override string ToString() => $"{From} > {To} tos {Tos} ttl {Ttl}{Fragment}";
    }
}
