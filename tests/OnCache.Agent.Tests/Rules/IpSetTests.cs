using OnCache.Agent.Net;
using OnCache.Agent.Rules;

namespace OnCache.Agent.Tests.Rules;

/// <summary>What of an ipset is looked at, and which packets find what came or went.</summary>
public sealed class IpSetTests
{
    [Theory]
    [InlineData("hash:ip", "10.244.2.9", "10.244.2.9", "10.244.2.9")]
    [InlineData("hash:net", "10.244.2.0/25", "10.244.2.0", "10.244.2.127")]
    [InlineData("hash:ip netmask 24", "10.244.2.9", "10.244.2.0", "10.244.2.255")]
    [InlineData("hash:ip bitmask 255.255.0.255", "10.244.2.9", "10.244.0.9", "10.244.255.9")]
    [InlineData("bitmap:ip range 10.244.0.0/16 netmask 28", "10.244.2.9", "10.244.2.0", "10.244.2.15")]
    public void An_element_is_found_by_all_that_the_sets_mask_makes_the_same(string type, string element, string first, string last)
    {
        using var rules = Created($"ipset create s {type}");

        var change = Changed(rules, $"ipset add s {element}");

        change.IsUnknown.ShouldBeFalse();
        change.Addresses.ShouldBe([new FoundBy(new Interval(Ipv4Address.Parse(first).Value, Ipv4Address.Parse(last).Value))]);
    }

    [Theory]
    [InlineData("ipset add member 10.244.2.9")]
    [InlineData("ipset del member 10.244.2.10")]
    public void What_a_set_of_sets_holds_is_what_its_members_hold(string command)
    {
        using var rules = Created("ipset create member hash:ip\nipset add member 10.244.2.10\nipset create s list:set\nipset add s member");

        var change = Changed(rules, command);

        change.IsUnknown.ShouldBeFalse();
        var address = Ipv4Address.Parse(command.Split(' ')[^1]).Value;
        change.Addresses.ShouldBe([new FoundBy(new Interval(address, address))]);
    }

    private static NodeRules Created(string commands)
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/ipset"), "needs ipset (Debian package ipset)");
        return NodeRules.Create().With(commands + "\niptables -A FORWARD -m set --match-set s dst -j DROP");
    }

    private static SetChange Changed(NodeRules rules, string command)
    {
        var wanted = rules.View().Attention.IpSets;
        using var reader = rules.Space.Run(() => HostRulesReader.Open(static index => $"if{index}"));
        rules.Space.Run(() => reader.ReadIpSets(wanted)).ShouldHaveSingleItem().IsUnknown.ShouldBeTrue();
        rules.Space.Run(() => reader.ReadIpSets(wanted)).ShouldBeEmpty();
        rules.With(command);
        return rules.Space.Run(() => reader.ReadIpSets(wanted)).ShouldHaveSingleItem();
    }
}
