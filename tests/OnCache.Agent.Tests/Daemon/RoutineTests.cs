using Microsoft.Extensions.Time.Testing;
using OnCache.Agent.Daemon;

namespace OnCache.Agent.Tests.Daemon;

public sealed class RoutineTests
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(4);

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void It_runs_once_in_a_period_and_says_how_long_it_is_until_then()
    {
        var routine = new Routine(s_period, static () => true, _time);

        routine.Left.ShouldBe(s_period);
        routine.RunIfDue().ShouldBeFalse();
        _time.Advance(s_period);
        routine.Left.ShouldBe(TimeSpan.Zero);
        routine.RunIfDue().ShouldBeTrue();
        routine.RunIfDue().ShouldBeFalse();
        routine.Left.ShouldBe(s_period);
    }

    [Fact]
    public void What_was_missed_is_not_made_up_for_and_the_pace_stays()
    {
        var routine = new Routine(s_period, static () => true, _time);

        _time.Advance((3 * s_period) + TimeSpan.FromSeconds(1));
        routine.RunIfDue().ShouldBeTrue();
        routine.RunIfDue().ShouldBeFalse();
        routine.Left.ShouldBe(TimeSpan.FromSeconds(3));
    }
}
