using System.Diagnostics;
using OnCache.Lab.Bench.Coherence;

namespace OnCache.Lab.Tests.Bench.Coherence;

/// <summary>How packets are judged that were sent around an event.</summary>
public sealed class PathChangeTests
{
    private const long Begun = 1_000_000;
    private static readonly long Millisecond = Stopwatch.Frequency / 1000;

    [Fact]
    public void A_flow_that_stays_fast_has_no_effect_to_tell() =>
        PathChange.Of([At(1, slow: false), At(2, slow: false)], Begun, Begun).ShouldBeNull();

    [Fact]
    public void The_last_stale_packet_is_told_from_the_write_and_from_its_return()
    {
        var change = PathChange.Of(
            [At(1, slow: false), At(3, slow: false), At(5, slow: false), At(6, slow: true), At(7, slow: true)], Begun, Begun + (2 * Millisecond)).ShouldNotBeNull();

        change.SinceSend.ShouldBe(TimeSpan.FromMilliseconds(5));
        change.SinceReturn.ShouldBe(TimeSpan.FromMilliseconds(3));
        change.StaleBefore.ShouldBe(2);
        change.StaleAfter.ShouldBe(0);
    }

    [Fact]
    public void An_effect_before_the_write_returned_leaves_nothing_stale()
    {
        var change = PathChange.Of([At(1, slow: false), At(2, slow: true)], Begun, Begun + (3 * Millisecond)).ShouldNotBeNull();

        change.SinceReturn.ShouldBe(TimeSpan.Zero);
        change.SinceSend.ShouldBe(TimeSpan.FromMilliseconds(1));
        change.StaleBefore.ShouldBe(0);
    }

    [Fact]
    public void A_packet_and_an_answer_on_the_fast_path_after_the_effect_are_stale() =>
        PathChange.Of([At(1, slow: true), At(2, slow: false), At(3, slow: true)], Begun, Begun).ShouldNotBeNull().StaleAfter.ShouldBe(2);

    [Fact]
    public void Answers_are_judged_in_the_order_in_which_they_came()
    {
        var late = At(1, slow: true) with { Answered = Begun + (9 * Millisecond), CameSlowly = true };
        var early = At(2, slow: true) with { Answered = Begun + (3 * Millisecond), CameSlowly = false };

        PathChange.Of([late, early], Begun, Begun).ShouldNotBeNull().StaleAfter.ShouldBe(0);
    }

    private static ObservedFlow.Packet At(int milliseconds, bool slow) => new()
    {
        Sent = Begun + (milliseconds * Millisecond),
        Arrived = Begun + (milliseconds * Millisecond) + 1,
        Answered = Begun + (milliseconds * Millisecond) + 2,
        LeftSlowly = slow,
        CameSlowly = slow,
    };
}
