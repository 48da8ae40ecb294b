using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using OnCache.Agent.Bpf;
using OnCache.Agent.Net;

namespace OnCache.Agent.Datapath;

/// <summary>
/// The header that the CNI's tunnel device puts before a packet to one remote node, outer Ethernet to inner Ethernet.
/// Fields that differ from packet to packet are zero: total length, id, checksum, ECN, source port, UDP length.
/// </summary>
/// <param name="Checksum">One's complement sum of the outer IPv4 header without its TOS byte.</param>
/// <param name="Tos">Outer DSCP in the upper six bits.</param>
internal sealed record HeaderTemplate(ImmutableArray<byte> Bytes, uint Checksum, byte Tos)
{
    private const int Ethernet = 14;
    private const int Ipv4 = 20;
    private const int Udp = 8;
    private const byte EcnMask = 3;

    /// <summary>The station inside the tunnel that it leads to.</summary>
    public ReadOnlySpan<byte> InnerDestination => Bytes.AsSpan()[^Ethernet..].Slice(0, 6);

    public bool Equals(HeaderTemplate? other) =>
        other is not null && Checksum == other.Checksum && Tos == other.Tos && Bytes.AsSpan().SequenceEqual(other.Bytes.AsSpan());

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(Bytes.AsSpan());
        return hash.ToHashCode();
    }

    /// <summary>VXLAN over IPv4 (RFC 7348), as Linux sends it: no outer checksum, VNI as the only flag.</summary>
    public static HeaderTemplate Vxlan(VxlanPath path)
    {
        var bytes = new byte[Layout.HeaderMax];
        var span = bytes.AsSpan();
        path.NextHopMac.CopyTo(span);
        path.NicMac.CopyTo(span[6..]);
        BinaryPrimitives.WriteUInt16BigEndian(span[12..], 0x0800);

        var ip = span.Slice(Ethernet, Ipv4);
        ip[0] = 0x45;
        if (path.DontFragment)
        {
            BinaryPrimitives.WriteUInt16BigEndian(ip[6..], 0x4000);
        }

        ip[8] = path.Ttl;
        ip[9] = 17;
        path.LocalAddress.CopyTo(ip[12..]);
        path.RemoteAddress.CopyTo(ip[16..]);

        var udp = span.Slice(Ethernet + Ipv4, Udp);
        BinaryPrimitives.WriteUInt16BigEndian(udp[2..], path.UdpPort);

        var vxlan = span[(Ethernet + Ipv4 + Udp)..];
        vxlan[0] = 0x08;
        BinaryPrimitives.WriteUInt32BigEndian(vxlan[4..], path.Vni << 8);
        path.RemoteTunnelMac.CopyTo(vxlan[8..]);
        path.LocalTunnelMac.CopyTo(vxlan[14..]);
        BinaryPrimitives.WriteUInt16BigEndian(vxlan[20..], 0x0800);

        // The sum is taken over 16-bit words as they lie in memory: RFC 1071 section 2 (B), byte order independence.
        uint sum = 0;
        foreach (var word in MemoryMarshal.Cast<byte, ushort>(ip))
        {
            sum += word;
        }

        return new HeaderTemplate(ImmutableCollectionsMarshal.AsImmutableArray(bytes), sum, (byte)(path.Tos & ~EcnMask));
    }
}

/// <summary>All that is constant of the VXLAN packets to one remote node.</summary>
/// <param name="Tos">TOS byte of the tunnel device; its ECN bits are not used.</param>
internal sealed record VxlanPath(
    MacAddress NicMac,
    MacAddress NextHopMac,
    Ipv4Address LocalAddress,
    Ipv4Address RemoteAddress,
    byte Ttl,
    byte Tos,
    bool DontFragment,
    ushort UdpPort,
    uint Vni,
    MacAddress LocalTunnelMac,
    MacAddress RemoteTunnelMac);
