using OnCache.Lab.Traffic;

namespace OnCache.Lab.Tests.Traffic;

public sealed class CoreUseTests
{
    private static readonly string[] TimerList =
    [
        "cpu: 1", "  .idle_sleeptime : 100 nsecs", "  .iowait_sleeptime: 23 nsecs",
        "cpu: 11", "  .idle_sleeptime : 900 nsecs", "  .iowait_sleeptime: 1 nsecs",
    ];

    [Theory]
    [InlineData(1, 123)]
    [InlineData(11, 901)]
    public void Idle_time_is_that_of_the_core_asked_for(int core, long expected) => CoreUse.ParseIdle(TimerList, core).ShouldBe(expected);

    [Fact]
    public void A_core_that_is_not_listed_is_an_error() =>
        Should.Throw<LabException>(() => CoreUse.ParseIdle(TimerList, 2)).Message.ShouldContain("core 2");

    [Fact]
    public void Without_exact_figures_idle_time_is_that_of_the_core_in_hundredths() =>
        CoreUse.ParseCoarseIdle(["cpu  9 9 9 9 9 9", "cpu0 1 2 3 40 5 6", "cpu1 1 2 3 70 8 6"], 1).ShouldBe(780_000_000);
}
