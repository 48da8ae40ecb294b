using System.Buffers.Binary;

using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Tests.Datapath.Packets;

namespace OnCache.Agent.Tests.Datapath;

public sealed class HeaderTemplateTests
{
    private static readonly VxlanPath s_path = new(
        NicMac: MacAddress.Parse("02:0b:00:00:00:01"),
        NextHopMac: MacAddress.Parse("02:0b:00:00:00:02"),
        LocalAddress: Ipv4Address.Parse("192.168.77.1"),
        RemoteAddress: Ipv4Address.Parse("10.1.2.3"),
        Ttl: 63,
        Tos: 0xb8,
        DontFragment: true,
        UdpPort: 8472,
        Vni: 0x123456,
        LocalTunnelMac: MacAddress.Parse("02:0c:00:00:00:01"),
        RemoteTunnelMac: MacAddress.Parse("02:0c:00:00:00:02"));

    [Fact]
    public void Octets_are_those_of_rfc_7348_with_the_variable_fields_zero() =>
        Convert.ToHexString(HeaderTemplate.Vxlan(s_path).Bytes.AsSpan()).ShouldBe(string.Concat(
            "020B00000002", "020B00000001", "0800",
            "45", "00", "0000", "0000", "4000", "3F", "11", "0000", "C0A84D01", "0A010203",
            "0000", "2118", "0000", "0000",
            "08000000", "12345600",
            "020C00000002", "020C00000001", "0800"));

    [Fact]
    public void Without_dont_fragment_the_field_is_zero()
    {
        var bytes = HeaderTemplate.Vxlan(s_path with { DontFragment = false }).Bytes;

        BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan()[20..]).ShouldBe((ushort)0);
    }

    [Theory]
    [InlineData(0xb8, 0xb8)]
    [InlineData(0xbb, 0xb8)]
    [InlineData(0x03, 0x00)]
    public void Tos_has_no_ecn_bits(byte device, byte template) =>
        HeaderTemplate.Vxlan(s_path with { Tos = device }).Tos.ShouldBe(template);

    /// <summary>The partial sum plus the three fields of a packet, folded as the program does, is the header's checksum.</summary>
    [Theory]
    [InlineData(0x00, 150, 0)]
    [InlineData(0xba, 1500, 0xffff)]
    [InlineData(0xff, 65535, 0x8000)]
    public void Partial_sum_completes_to_the_checksum(byte tos, ushort length, ushort id)
    {
        var template = HeaderTemplate.Vxlan(s_path);
        var header = template.Bytes.AsSpan(14, 20).ToArray();
        header[1] = tos;
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), length);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(4), id);

        var sum = template.Checksum + BinaryPrimitives.ReverseEndianness((ushort)tos)
            + BinaryPrimitives.ReverseEndianness(length) + BinaryPrimitives.ReverseEndianness(id);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);

        BinaryPrimitives.ReverseEndianness((ushort)~sum).ShouldBe(InternetChecksum.Of(header));
    }

    [Fact]
    public void Equality_is_that_of_the_content()
    {
        HeaderTemplate.Vxlan(s_path).ShouldBe(HeaderTemplate.Vxlan(s_path with { }));
        HeaderTemplate.Vxlan(s_path).GetHashCode().ShouldBe(HeaderTemplate.Vxlan(s_path with { }).GetHashCode());
        HeaderTemplate.Vxlan(s_path).ShouldNotBe(HeaderTemplate.Vxlan(s_path with { Vni = 1 }));
        HeaderTemplate.Vxlan(s_path).ShouldNotBe(HeaderTemplate.Vxlan(s_path with { Tos = 0 }));
    }
}
