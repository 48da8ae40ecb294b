using OnCache.Lab.Bench;

namespace OnCache.Lab.Tests.Bench;

public sealed class StatisticsTests
{
    [Theory]
    [InlineData(new[] { 3.0 }, 3.0)]
    [InlineData(new[] { 9.0, 1.0, 5.0 }, 5.0)]
    [InlineData(new[] { 4.0, 1.0, 3.0, 2.0 }, 2.5)]
    public void The_median_is_the_middle_of_the_sorted_values(double[] values, double expected) =>
        Statistics.Median(values).ShouldBe(expected);

    [Theory]
    [InlineData(0.0, 1.0)]
    [InlineData(0.5, 2.0)]
    [InlineData(0.51, 3.0)]
    [InlineData(0.99, 4.0)]
    [InlineData(1.0, 4.0)]
    public void A_share_of_the_values_does_not_exceed_what_is_reached(double share, double expected) =>
        Statistics.Reached([4.0, 1.0, 3.0, 2.0], share).ShouldBe(expected);

    [Fact]
    public void No_values_have_no_median() => Should.Throw<ArgumentException>(() => Statistics.Median([]));

    [Fact]
    public void A_paired_ratio_cancels_what_a_whole_round_suffered()
    {
        var values = new Dictionary<int, double> { [1] = 20, [2] = 2, [3] = 18 };
        var baseline = new Dictionary<int, double> { [1] = 10, [2] = 1, [3] = 9 };

        Statistics.PairedRatio(values, baseline).ShouldBe(2.0);
    }

    [Fact]
    public void Rounds_of_one_side_only_are_left_out()
    {
        var values = new Dictionary<int, double> { [1] = 30, [2] = 8 };
        var baseline = new Dictionary<int, double> { [2] = 4, [3] = 100 };

        Statistics.PairedRatio(values, baseline).ShouldBe(2.0);
    }

    [Fact]
    public void A_zero_baseline_or_no_common_round_gives_no_ratio()
    {
        Statistics.PairedRatio(new Dictionary<int, double> { [1] = 1 }, new Dictionary<int, double> { [1] = 0 }).ShouldBeNull();
        Statistics.PairedRatio(new Dictionary<int, double> { [1] = 1 }, new Dictionary<int, double> { [2] = 1 }).ShouldBeNull();
    }

    [Theory]
    [InlineData(new[] { 7.0 }, 0.0)]
    [InlineData(new[] { 5.0, 1.0, 2.0, 4.0, 3.0 }, 2.0)]
    [InlineData(new[] { 1.0, 2.0, 3.0, 4.0 }, 1.5)]
    public void The_interquartile_range_holds_the_middle_half(double[] values, double expected) =>
        Statistics.InterquartileRange(values).ShouldBe(expected);
}
