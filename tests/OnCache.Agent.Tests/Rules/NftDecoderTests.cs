using OnCache.Agent.Net.Netfilter;
using OnCache.Agent.Rules;

namespace OnCache.Agent.Tests.Rules;

/// <summary>Matches and expressions that the programs at hand do not write, and what elements of sets come to.</summary>
public sealed class NftDecoderTests
{
    [Theory]
    [InlineData(4, true)]
    [InlineData(1, false)]
    public void A_bridge_that_asks_for_the_type_of_service_asks_what_differs_from_packet_to_packet(byte asks, bool varies)
    {
        // struct ebt_ip_info: what is asked is at octet 18.
        var data = new byte[28];
        data[18] = asks;

        XtDecoder.Match("ip", 0, data).Terms.OfType<VaryingTerm>().Any().ShouldBe(varies);
    }

    [Fact]
    public void A_counter_may_have_a_quota() => XtDecoder.Match("nfacct", 0, new byte[40]).Terms.OfType<EffectTerm>().ShouldHaveSingleItem();

    [Fact]
    public void What_is_asked_of_a_tunnel_is_not_taken_for_what_its_register_had_before()
    {
        // payload: NFTA_PAYLOAD_DREG 1, the source address; tunnel: NFTA_TUNNEL_KEY 0, NFTA_TUNNEL_DREG 1; cmp: NFTA_CMP_SREG 1, equal, a value.
        byte[] rule =
        [
            .. Expression("payload", Number(1, 1), Number(2, 1), Number(3, 12), Number(4, 4)),
            .. Expression("tunnel", Number(1, 0), Number(2, 1)),
            .. Expression("cmp", Number(1, 1), Number(2, 0), Attribute(3, Attribute(1, [1, 0, 0, 0]))),
        ];

        Decoded(rule).Terms.ShouldHaveSingleItem().ShouldBeOfType<OpaqueTerm>().Description.ShouldBe("tunnel");
    }

    [Fact]
    public void A_set_that_gains_a_limit_makes_its_rules_others()
    {
        var rule = Expression("lookup", Attribute(1, "s\0"u8.ToArray()), Number(2, 1));
        var set = new NftSet(2, "t", "s", 0, 4, 0);

        Decoded(rule, set).Fingerprint.ShouldNotBe(Decoded(rule, set with { Stateful = ["limit"] }).Fingerprint);
    }

    [Fact]
    public void A_set_is_looked_into_once_by_each_key()
    {
        // By the source address, then by the destination's: who finds an element differs.
        byte[] rule =
        [
            .. Expression("payload", Number(1, 1), Number(2, 1), Number(3, 12), Number(4, 4)), .. Expression("lookup", Attribute(1, "s\0"u8.ToArray()), Number(2, 1)),
            .. Expression("payload", Number(1, 1), Number(2, 1), Number(3, 16), Number(4, 4)), .. Expression("lookup", Attribute(1, "s\0"u8.ToArray()), Number(2, 1)),
        ];

        Decoded(rule, new NftSet(2, "t", "s", 0, 4, 0)).Terms.OfType<SetTerm>().Distinct().Count().ShouldBe(2);
    }

    /// <summary>Keys of one octet; "a" begins at a, "-b" ends before b.</summary>
    [Theory]
    [InlineData("10 -20", "10-19")]
    [InlineData("-20 10", "10-19")]
    [InlineData("10 -20 20 -30", "10-19 20-29")]
    [InlineData("10 20 -30", "10-19 20-29")]
    [InlineData("-0 10 -20", "10-19")]
    [InlineData("200", "200-255")]
    [InlineData("10 10 -20 -20", "10-19 10-19")]
    [InlineData("-20", null)]
    [InlineData("10 -20 -30", null)]
    public void Ends_of_intervals_that_come_in_events_find_their_beginnings(string events, string? ranges)
    {
        var elements = events.Split(' ').Select(static one => Element(byte.Parse(one.TrimStart('-'), System.Globalization.CultureInfo.InvariantCulture), isEnd: one.StartsWith('-')));

        var found = NftIntervals.OfEvents(elements, hasEnds: true);

        (found is null ? null : string.Join(' ', found.Select(static one => $"{one.Key[0]}-{one.KeyEnd![0]}"))).ShouldBe(ranges);
    }

    private static NftElement Element(byte key, bool isEnd) => new("t", "s", [key], null, isEnd, IsCatchAll: false, null, []);

    private static HostRule Decoded(byte[] expressions, params NftSet[] sets) =>
        new NftDecoder(sets.ToDictionary(static set => set.Name, StringComparer.Ordinal), static _ => null, static index => $"if{index}", marksAreRead: false)
            .Decode(new NftRule(2, "t", "c", 1, expressions, []));

    private static byte[] Expression(string name, params byte[][] data) =>
        Attribute(1, [.. Attribute(1, [.. System.Text.Encoding.ASCII.GetBytes(name), 0]), .. Attribute(2, [.. data.SelectMany(static one => one)])]);

    private static byte[] Number(ushort type, byte number) => Attribute(type, [0, 0, 0, number]);

    private static byte[] Attribute(ushort type, byte[] value)
    {
        var octets = new byte[4 + value.Length + 3 & ~3];
        BitConverter.GetBytes((ushort)(4 + value.Length)).CopyTo(octets, 0);
        BitConverter.GetBytes(type).CopyTo(octets, 2);
        value.CopyTo(octets, 4);
        return octets;
    }
}
