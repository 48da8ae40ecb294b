using OnCache.Agent.Datapath;
using OnCache.Agent.Net;

namespace OnCache.Agent.Tests.Datapath;

public sealed class SlotIndexTests
{
    private static readonly Ipv4Address s_first = Ipv4Address.Parse("10.0.0.1");
    private static readonly Ipv4Address s_second = Ipv4Address.Parse("10.0.0.2");
    private static readonly Ipv4Address s_third = Ipv4Address.Parse("10.0.0.3");

    [Fact]
    public void Slots_begin_at_1_and_the_lowest_free_one_is_taken()
    {
        using var kernel = new FreshDatapath();
        var index = new SlotIndex(kernel.Maps.NodeIndex, 2);

        index.Allocate(s_first).ShouldBe(1u);
        index.Allocate(s_second).ShouldBe(2u);
        index.Allocate(s_first).ShouldBe(1u, "an address keeps its slot");
        index.Allocate(s_third).ShouldBeNull("every slot is taken");
        index.Release(s_first);
        index.Allocate(s_third).ShouldBe(1u);
    }

    [Fact]
    public void An_agent_that_starts_over_reads_the_slots_back()
    {
        using var kernel = new FreshDatapath();
        var earlier = new SlotIndex(kernel.Maps.NodeIndex, 4);
        earlier.Allocate(s_first);
        earlier.Allocate(s_second);
        earlier.Release(s_first);

        var later = new SlotIndex(kernel.Maps.NodeIndex, 4);

        later.Slots.ShouldBe(new Dictionary<Ipv4Address, uint> { [s_second] = 2 });
        later.Allocate(s_third).ShouldBe(1u);
    }

    [Fact]
    public void To_release_what_was_never_there_is_no_error()
    {
        using var kernel = new FreshDatapath();
        var index = new SlotIndex(kernel.Maps.NodeIndex, 1);

        index.Release(s_first);

        index.Allocate(s_second).ShouldBe(1u);
    }

    [Fact]
    public void Addresses_are_keys_in_network_order()
    {
        using var kernel = new FreshDatapath();
        new SlotIndex(kernel.Maps.NodeIndex, 1).Allocate(Ipv4Address.Parse("1.2.3.4"));

        BitConverter.GetBytes(kernel.Maps.NodeIndex.Keys().Single()).ShouldBe([1, 2, 3, 4]);
        SlotIndex.FromNetwork(SlotIndex.ToNetwork(s_first)).ShouldBe(s_first);
    }
}
