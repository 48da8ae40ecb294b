using OnCache.Agent.Net.Netfilter;
using OnCache.Agent.Rules;

namespace OnCache.Agent.Tests.Rules;

/// <summary>However many elements change at once, there is as much to follow as anybody can.</summary>
public sealed class SetChangeTests
{
    [Fact]
    public void Of_a_set_with_many_changes_it_is_not_told_which()
    {
        var few = Change("few", 1);

        var bounded = SetChange.Bounded([.. Enumerable.Range(0, 100_000).Select(static i => Change("many", i)), few]);

        bounded.ShouldBe([new SetChange("ip t", "many", [], [], IsUnknown: true), few]);
    }

    [Fact]
    public void Of_a_set_with_a_few_all_are_told()
    {
        SetChange[] few = [.. Enumerable.Range(0, SetChange.MostElements).Select(static i => Change("few", i))];

        SetChange.Bounded([.. few]).ShouldBe(few);
    }

    [Fact]
    public void A_change_of_many_elements_is_many_changes()
    {
        var many = new SetChange(null, "ipset 1", [], [.. Enumerable.Range(0, SetChange.MostElements + 1).Select(static i => new FoundBy(new Interval((uint)i, (uint)i)))], IsUnknown: false);

        SetChange.Bounded([many]).ShouldHaveSingleItem().IsUnknown.ShouldBeTrue();
    }

    [Fact]
    public void Changes_that_nobody_takes_do_not_pile_up()
    {
        var change = new HostRulesChange(HostRulesState.None, [.. Enumerable.Range(0, SetChange.MostElements).Select(static i => Change("many", i))]);

        change.Then(change).Then(change).Sets.ShouldHaveSingleItem().IsUnknown.ShouldBeTrue();
    }

    private static SetChange Change(string set, int key) => new("ip t", set, [new NftElement("t", set, BitConverter.GetBytes(key), null, IsEnd: false, IsCatchAll: false, Verdict: null, [])], [], IsUnknown: false);
}
