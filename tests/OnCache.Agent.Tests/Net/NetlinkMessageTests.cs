using System.Buffers.Binary;

using OnCache.Agent.Net;

namespace OnCache.Agent.Tests.Net;

public sealed class NetlinkMessageTests
{
    [Fact]
    public void A_message_is_padded_and_carries_its_length()
    {
        var writer = new NetlinkMessageWriter(new byte[64], 18, 0x301);
        writer.Write((byte)7);
        writer.Attribute(3, "ab"u8);

        // Length 28, type, flags, sequence and port 0; the fixed part; then an attribute of length 6 with two octets of padding.
        Convert.ToHexString(writer.Finish())
            .ShouldBe("1C000000" + "1200" + "0103" + "00000000" + "00000000" + "07000000" + "0600" + "0300" + "61620000");
    }

    [Fact]
    public void A_used_buffer_leaves_nothing_behind()
    {
        var buffer = new byte[64];
        buffer.AsSpan().Fill(0xff);
        var writer = new NetlinkMessageWriter(buffer, 18, 1);
        writer.Write((byte)7);

        Convert.ToHexString(writer.Finish()).ShouldBe("14000000" + "1200" + "0100" + "00000000" + "00000000" + "07000000");
    }

    [Fact]
    public void Nested_attributes_are_read_as_they_were_written()
    {
        var writer = new NetlinkMessageWriter(new byte[128], 18, 1);
        writer.Write(0);
        var nested = writer.BeginNested(9 | 0x8000);
        writer.Attribute(1, "vxlan\0"u8);
        writer.Attribute(2, 77u);
        writer.EndNested(nested);
        writer.Attribute(4, (ushort)5);
        ReadOnlySpan<byte> datagram = writer.Finish();
        NetlinkMessage.TryTake(ref datagram, out var message).ShouldBeTrue();

        var seen = new List<string>();
        foreach (var attribute in message.Attributes(sizeof(int)))
        {
            if (attribute.Type != 9)
            {
                seen.Add($"{attribute.Type}={attribute.Read<ushort>()}");
                continue;
            }

            foreach (var inner in attribute.Nested)
            {
                seen.Add(inner.Type == 1 ? inner.Text : $"{inner.Type}={inner.Read<uint>()}");
            }
        }

        seen.ShouldBe(["vxlan", "2=77", "4=5"]);
    }

    [Fact]
    public void A_datagram_is_taken_message_by_message()
    {
        var one = new NetlinkMessageWriter(new byte[64], 1, 0);
        one.Write((byte)1);
        var two = new NetlinkMessageWriter(new byte[64], 2, 0);
        ReadOnlySpan<byte> datagram = (byte[])[.. one.Finish(), .. two.Finish()];

        NetlinkMessage.TryTake(ref datagram, out var message).ShouldBeTrue();
        message.Type.ShouldBe((ushort)1);
        NetlinkMessage.TryTake(ref datagram, out message).ShouldBeTrue();
        message.Type.ShouldBe((ushort)2);
        NetlinkMessage.TryTake(ref datagram, out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(uint.MaxValue)]
    public void A_message_that_says_it_is_shorter_than_a_header_or_longer_than_the_datagram_is_none(uint length)
    {
        var bytes = new byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, length);
        ReadOnlySpan<byte> datagram = bytes;

        NetlinkMessage.TryTake(ref datagram, out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData("030001")]
    [InlineData("03000100")]
    [InlineData("0900010000000000")]
    public void Attributes_end_at_something_that_is_none(string hex)
    {
        var attributes = new NetlinkAttributes(Convert.FromHexString(hex));

        attributes.MoveNext().ShouldBeFalse();
    }

    [Fact]
    public void A_value_of_another_length_is_not_an_address_and_a_short_number_is_zero()
    {
        var attribute = new NetlinkAttribute(1, [1, 2, 3]);

        attribute.Ipv4.ShouldBeNull();
        attribute.Mac.ShouldBeNull();
        attribute.Read<uint>().ShouldBe(0u);
    }
}
