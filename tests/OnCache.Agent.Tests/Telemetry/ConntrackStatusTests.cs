using OnCache.Agent.Telemetry;

namespace OnCache.Agent.Tests.Telemetry;

public sealed class ConntrackStatusTests
{
    [Theory]
    [InlineData(0, ConntrackPressure.None)]
    [InlineData(899, ConntrackPressure.None)]
    [InlineData(900, ConntrackPressure.NearlyFull)]
    [InlineData(989, ConntrackPressure.NearlyFull)]
    [InlineData(990, ConntrackPressure.Full)]
    [InlineData(1001, ConntrackPressure.Full)]
    public void A_table_is_nearly_full_at_nine_tenths_and_full_at_99_of_a_hundred(long entries, object pressure) =>
        ConntrackStatus.Of(entries, 1000, before: null).Pressure.ShouldBe(pressure);

    [Fact]
    public void It_is_left_at_less_than_it_is_entered_at()
    {
        Pressures(1000, 960, 949, 810, 799, 850).ShouldBe(
        [
            ConntrackPressure.Full, ConntrackPressure.Full, ConntrackPressure.NearlyFull, ConntrackPressure.NearlyFull, ConntrackPressure.None, ConntrackPressure.None,
        ]);

        static IEnumerable<ConntrackPressure> Pressures(params long[] looks)
        {
            ConntrackPressure? before = null;
            foreach (var entries in looks)
            {
                yield return (before = ConntrackStatus.Of(entries, 1000, before).Pressure).Value;
            }
        }
    }

    [Fact]
    public void A_limit_of_zero_is_none() => ConntrackStatus.Of(5, 0, before: null).Pressure.ShouldBe(ConntrackPressure.None);

    [Fact]
    public void A_message_says_whose_fault_it_is_and_what_helps_and_has_no_number_that_never_rests()
    {
        ConntrackStatus.Of(995, 1000, before: null).Message.ShouldBe(
            "the node's connection tracking is full, or just about to be (net.netfilter.nf_conntrack_max is 1000): the kernel drops new connections, with OnCache or without, and what it does not track is not accelerated; "
                + "raise that setting, or find out who opens so many");
        ConntrackStatus.Of(905, 1000, before: null).Message.ShouldBe(ConntrackStatus.Of(950, 1000, before: null).Message);
    }
}
