using System.Net;

namespace OnCache.Api.Tests;

public sealed class Ipv4Tests
{
    [Theory]
    [InlineData("10.1.0.0/16", "10.1.255.255", true)]
    [InlineData("10.1.0.0/16", "10.2.0.0", false)]
    [InlineData("0.0.0.0/0", "255.255.255.255", true)]
    [InlineData("10.1.2.3/32", "10.1.2.3", true)]
    [InlineData("10.1.2.3/32", "10.1.2.2", false)]
    [InlineData("0.0.0.0/0", "fe80::1", false)]
    public void A_range_contains_its_addresses(string text, string address, bool contains)
    {
        Ipv4Cidr.TryParse(text, out var cidr, out _).ShouldBeTrue();

        cidr.Contains(IPAddress.Parse(address)).ShouldBe(contains);
        cidr.ToString().ShouldBe(text);
    }

    [Theory]
    [InlineData("10.1.2.0/16", "its host bits must be zero: use 10.1.0.0/16")]
    [InlineData("10.1.0.0/33", "use an IPv4 range such as 10.1.0.0/16")]
    [InlineData("10.1.0.0/-1", "use an IPv4 range such as 10.1.0.0/16")]
    [InlineData("10.1.0.0", "use an IPv4 range such as 10.1.0.0/16")]
    [InlineData("10.1.0/16", "use an IPv4 range such as 10.1.0.0/16")]
    [InlineData("fd00::/8", "use an IPv4 range such as 10.1.0.0/16")]
    [InlineData("", "use an IPv4 range such as 10.1.0.0/16")]
    public void A_wrong_range_says_what_would_be_right(string text, string message)
    {
        Ipv4Cidr.TryParse(text, out _, out var expected).ShouldBeFalse();
        expected.ShouldBe(message);
    }

    [Theory]
    [InlineData("10.244.1.2", true)]
    [InlineData("010.244.1.2", false)]
    [InlineData("10.244.258", false)]
    [InlineData("0x0a.1.1.1", false)]
    [InlineData("10.244.1.256", false)]
    [InlineData("10.244.1.2 ", false)]
    [InlineData("::1", false)]
    public void Addresses_are_four_decimal_numbers(string text, bool read) => Ipv4Notation.TryParse(text, out _).ShouldBe(read);

    [Theory]
    [InlineData("10.244.1.2", true)]
    [InlineData("0.0.0.0", false)]
    [InlineData("127.0.0.1", false)]
    [InlineData("169.254.1.1", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("fd00::1", false)]
    public void Only_unicast_addresses_belong_to_pods(string text, bool belongs) =>
        Ipv4Notation.IsPodAddress(IPAddress.Parse(text)).ShouldBe(belongs);
}
