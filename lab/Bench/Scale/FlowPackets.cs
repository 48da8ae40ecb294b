using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Bench.Scale;

/// <summary>Small UDP packets of made-up flows, as a pod sends them and as they come over the wire.</summary>
internal static class FlowPackets
{
    public const int UdpProtocol = 17;
    private const int EthernetBytes = 14;
    private const int Ipv4Bytes = 20;
    private const int UdpBytes = 8;
    private const int VxlanBytes = 8;
    private const int PayloadBytes = 22;
    private const int InnerBytes = EthernetBytes + Ipv4Bytes + UdpBytes + PayloadBytes;

    /// <summary>From a pod, as it stands on the host-side veth.</summary>
    public static byte[] FromPod(ReadOnlySpan<byte> gatewayMac, Flow flow)
    {
        var packet = new byte[InnerBytes];
        Inner(packet, gatewayMac, flow.Local, flow.Remote, flow.LocalPort, flow.RemotePort);
        return packet;
    }

    /// <summary>To a pod, as the bridge hands it to the host-side veth.</summary>
    public static byte[] ToPod(ReadOnlySpan<byte> podMac, Flow flow)
    {
        var packet = new byte[InnerBytes];
        Inner(packet, podMac, flow.Remote, flow.Local, flow.RemotePort, flow.LocalPort);
        return packet;
    }

    /// <summary>To a pod, as it stands on the NIC.</summary>
    /// <param name="nicMac">Of the receiving NIC.</param>
    /// <param name="tunnelMac">Of the receiving node's tunnel device.</param>
    /// <param name="remoteNode">Outer source.</param>
    /// <param name="node">Outer destination.</param>
    /// <param name="flow">The inner flow.</param>
    public static byte[] FromWire(ReadOnlySpan<byte> nicMac, ReadOnlySpan<byte> tunnelMac, ReadOnlySpan<byte> remoteNode, IPAddress node, Flow flow)
    {
        const int Outer = EthernetBytes + Ipv4Bytes + UdpBytes + VxlanBytes;
        var packet = new byte[Outer + InnerBytes];
        Ethernet(packet, nicMac);
        Ipv4(packet.AsSpan(EthernetBytes), remoteNode, node.GetAddressBytes(), packet.Length - EthernetBytes);
        Udp(packet.AsSpan(EthernetBytes + Ipv4Bytes), 0xc000, AddressPlan.VxlanPort, packet.Length - EthernetBytes - Ipv4Bytes);
        var vxlan = packet.AsSpan(EthernetBytes + Ipv4Bytes + UdpBytes);
        vxlan[0] = 0x08;
        BinaryPrimitives.WriteInt32BigEndian(vxlan[4..], AddressPlan.Vni << 8);
        Inner(packet.AsSpan(Outer), tunnelMac, flow.Remote, flow.Local, flow.RemotePort, flow.LocalPort);
        return packet;
    }

    public static byte[] ParseMac(string text) => [.. text.Split(':').Select(part => byte.Parse(part, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];

    private static void Inner(Span<byte> packet, ReadOnlySpan<byte> mac, uint source, uint destination, ushort sourcePort, ushort destinationPort)
    {
        Span<byte> from = stackalloc byte[4];
        Span<byte> to = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(from, source);
        BinaryPrimitives.WriteUInt32BigEndian(to, destination);
        Ethernet(packet, mac);
        Ipv4(packet[EthernetBytes..], from, to, packet.Length - EthernetBytes);
        Udp(packet[(EthernetBytes + Ipv4Bytes)..], sourcePort, destinationPort, packet.Length - EthernetBytes - Ipv4Bytes);
    }

    private static void Ethernet(Span<byte> packet, ReadOnlySpan<byte> destination)
    {
        destination.CopyTo(packet);
        packet[6] = 0x02;
        packet[12] = 0x08;
    }

    private static void Ipv4(Span<byte> header, ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination, int length)
    {
        header[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)length);
        header[8] = 64;
        header[9] = UdpProtocol;
        source.CopyTo(header[12..]);
        destination.CopyTo(header[16..]);
        uint sum = 0;
        for (var word = 0; word < Ipv4Bytes; word += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(header[word..]);
        }

        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], (ushort)~sum);
    }

    private static void Udp(Span<byte> header, int source, int destination, int length)
    {
        BinaryPrimitives.WriteUInt16BigEndian(header, (ushort)source);
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)destination);
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)length);
    }
}

/// <summary>A UDP flow of a pod of this node. Addresses and ports in host byte order.</summary>
internal readonly record struct Flow(uint Local, uint Remote, ushort LocalPort, ushort RemotePort)
{
    private const int PortsEach = 1024;
    private const ushort FirstPort = 20_000;

    /// <summary>One of many flows of a pod, each with another peer or port.</summary>
    public static Flow Of(uint local, int index) => new(local, 0x0a80_0000u + (uint)(index / PortsEach), FirstPort, (ushort)(FirstPort + (index % PortsEach)));

    public void WriteKey(Span<byte> key)
    {
        key.Clear();
        BinaryPrimitives.WriteUInt32BigEndian(key[DatapathLayout.KeyLocalAddress..], Local);
        BinaryPrimitives.WriteUInt32BigEndian(key[DatapathLayout.KeyRemoteAddress..], Remote);
        BinaryPrimitives.WriteUInt16BigEndian(key[DatapathLayout.KeyLocalPort..], LocalPort);
        BinaryPrimitives.WriteUInt16BigEndian(key[DatapathLayout.KeyRemotePort..], RemotePort);
        key[DatapathLayout.KeyProtocol] = FlowPackets.UdpProtocol;
    }
}
