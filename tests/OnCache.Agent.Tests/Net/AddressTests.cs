using System.Net;

using OnCache.Agent.Net;

namespace OnCache.Agent.Tests.Net;

public sealed class AddressTests
{
    [Theory]
    [InlineData("0.0.0.0", 0u)]
    [InlineData("10.0.0.1", 0x0a000001u)]
    [InlineData("255.255.255.255", uint.MaxValue)]
    public void An_ipv4_address_reads_and_prints(string text, uint value)
    {
        Ipv4Address.Parse(text).Value.ShouldBe(value);
        Ipv4Address.Parse(text).ToString().ShouldBe(text);
        Ipv4Address.From(IPAddress.Parse(text)).Value.ShouldBe(value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("10.0.0")]
    [InlineData("10.0.0.1.2")]
    [InlineData("10.0.0.256")]
    [InlineData("10.0.0.-1")]
    [InlineData("10.0.0. 1")]
    [InlineData("::1")]
    public void Anything_else_is_no_ipv4_address(string text)
    {
        Ipv4Address.TryParse(text, out _).ShouldBeFalse();
        Should.Throw<FormatException>(() => Ipv4Address.Parse(text)).Message.ShouldContain($"'{text}'");
    }

    [Fact]
    public void An_ipv6_address_does_not_convert() =>
        Should.Throw<ArgumentException>(static () => Ipv4Address.From(IPAddress.IPv6Loopback));

    [Fact]
    public void An_ipv4_address_is_written_in_wire_order() => MessageBytes.Bytes(Ipv4Address.Parse("10.1.2.3")).ShouldBe([10, 1, 2, 3]);

    [Fact]
    public void Ipv4_addresses_are_ordered_by_number() =>
        (Ipv4Address.Parse("9.255.0.0") < Ipv4Address.Parse("10.0.0.0")).ShouldBeTrue();

    [Fact]
    public void An_ethernet_address_reads_prints_and_is_written_in_wire_order()
    {
        var mac = MacAddress.Parse("02:00:5E:10:0a:01");

        mac.ToString().ShouldBe("02:00:5e:10:0a:01");
        MessageBytes.Bytes(mac).ShouldBe([2, 0, 0x5e, 0x10, 0x0a, 1]);
        MacAddress.Read(MessageBytes.Bytes(mac)).ShouldBe(mac);
    }

    [Theory]
    [InlineData("")]
    [InlineData("02:00:5e:10:0a")]
    [InlineData("02:00:5e:10:0a:0g")]
    [InlineData("02-00-5e-10-0a-01")]
    [InlineData("02:00:5e:10:0a:01:02")]
    public void Anything_else_is_no_ethernet_address(string text) =>
        Should.Throw<FormatException>(() => MacAddress.Parse(text)).Message.ShouldContain($"'{text}'");

    [Theory]
    [InlineData("02:00:5e:10:0a:01", false)]
    [InlineData("01:00:5e:00:00:16", true)]
    [InlineData("ff:ff:ff:ff:ff:ff", true)]
    public void Group_addresses_are_told_apart(string text, bool group) => MacAddress.Parse(text).IsGroup.ShouldBe(group);

    [Theory]
    [InlineData("10.1.2.3/8", "10.0.0.0/8", "10.255.0.1", "11.0.0.0")]
    [InlineData("10.1.2.3", "10.1.2.3/32", "10.1.2.3", "10.1.2.2")]
    [InlineData("10.1.2.3/31", "10.1.2.2/31", "10.1.2.3", "10.1.2.4")]
    public void A_network_drops_host_bits_and_holds_its_addresses(string text, string canonical, string inside, string outside)
    {
        var prefix = Ipv4Prefix.Parse(text);

        prefix.ToString().ShouldBe(canonical);
        prefix.Contains(Ipv4Address.Parse(inside)).ShouldBeTrue();
        prefix.Contains(Ipv4Address.Parse(outside)).ShouldBeFalse();
    }

    [Fact]
    public void The_empty_prefix_holds_everything() => Ipv4Prefix.Everything.Contains(Ipv4Address.Parse("255.0.0.1")).ShouldBeTrue();

    [Theory]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("10.0.0.0/")]
    [InlineData("10.0.0/8")]
    public void Anything_else_is_no_network(string text) => Should.Throw<FormatException>(() => Ipv4Prefix.Parse(text));
}
