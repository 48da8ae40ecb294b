namespace OnCache.Api.Tests;

public sealed class ConditionSetTests
{
    private static readonly DateTimeOffset Then = DateTimeOffset.UnixEpoch;
    private static readonly DateTimeOffset Now = Then.AddMinutes(1).AddMilliseconds(500);

    private static readonly Condition[] Before = [new("Ready", ConditionStatus.True, "A", "a", 1, Then)];

    [Fact]
    public void The_time_of_transition_stays_while_only_words_change()
    {
        var next = ConditionSet.Next(Before, [new("Ready", ConditionStatus.True, "B", "b")], 2, Now);

        next.ShouldBe([new Condition("Ready", ConditionStatus.True, "B", "b", 2, Then)]);
    }

    [Fact]
    public void The_time_of_transition_is_now_in_whole_seconds_when_the_status_changes()
    {
        var next = ConditionSet.Next(Before, [new("Ready", ConditionStatus.False, "B", "b")], 2, Now);

        next.ShouldBe([new Condition("Ready", ConditionStatus.False, "B", "b", 2, Then.AddMinutes(1))]);
    }

    [Fact]
    public void What_is_not_found_any_more_goes() => ConditionSet.Next(Before, [], 2, Now).ShouldBeEmpty();
}
