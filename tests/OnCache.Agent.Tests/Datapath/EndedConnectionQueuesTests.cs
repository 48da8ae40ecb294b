using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;

namespace OnCache.Agent.Tests.Datapath;

public sealed class EndedConnectionQueuesTests : IDisposable
{
    private readonly FreshDatapath _kernel = new();

    private static uint LastCpu => (uint)DatapathSizes.Cpus - 1;

    public void Dispose() => _kernel.Dispose();

    [Fact]
    public void What_several_cpus_have_told_comes_in_the_order_in_which_it_was()
    {
        Tell(LastCpu, at: 10, Closing.EgressReset);
        Tell(LastCpu, at: 30, Closing.BothFin);
        Tell(0, at: 20, Closing.None);

        Take(ulong.MaxValue).Select(static one => one.At).ShouldBe([10ul, 20, 30]);
    }

    [Fact]
    public void What_may_have_company_that_is_still_being_written_waits()
    {
        Tell(0, at: 10, Closing.BothFin);
        Tell(0, at: 20, Closing.BothFin);

        Take(20).Select(static one => one.At).ShouldBe([10ul]);
        Take(21).Select(static one => one.At).ShouldBe([20ul]);
        Take(ulong.MaxValue).ShouldBeEmpty();
    }

    [Fact]
    public void Of_one_moment_the_word_that_a_connection_goes_on_is_the_last()
    {
        Tell(0, at: 10, Closing.IngressFin);
        Tell(LastCpu, at: 10, Closing.IngressReset);

        Take(ulong.MaxValue).Select(static one => one.Closing).ShouldBe([Closing.IngressReset, Closing.IngressFin]);
    }

    [Fact]
    public void A_queue_goes_round()
    {
        for (var at = 1u; at <= Layout.Ended + 2; at++)
        {
            Tell(LastCpu, at, Closing.BothFin);
            Take(ulong.MaxValue).ShouldHaveSingleItem().At.ShouldBe(at);
        }
    }

    private IReadOnlyList<Ended> Take(ulong before) => new EndedConnectionQueues(_kernel.Maps.EndedQueues, _kernel.Maps.Ended).Take(before);

    private void Tell(uint cpu, ulong at, Closing closing)
    {
        ref var queue = ref _kernel.Maps.EndedQueues[cpu];
        _kernel.Maps.Ended[(uint)(cpu * Layout.Ended + (queue.Written % Layout.Ended))] = new Ended { At = at, Closing = closing };
        queue.Written++;
    }
}
