using OnCache.Lab.Bench;

namespace OnCache.Lab.Tests.Bench;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void Empty_has_no_quantile() => new LatencyHistogram().Quantile(0.5).ShouldBeNull();

    [Theory]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(127)]
    [InlineData(17_279)]
    [InlineData(1_000_000_007)]
    [InlineData(long.MaxValue)]
    public void Any_duration_is_kept_within_a_hundredth_and_a_half(long nanoseconds)
    {
        var histogram = new LatencyHistogram();
        histogram.Record(nanoseconds);

        histogram.Quantile(0.5)!.Value.ShouldBe(nanoseconds, Math.Max(0.5, nanoseconds * 0.016));
    }

    [Fact]
    public void Quantiles_follow_the_rank()
    {
        var histogram = new LatencyHistogram();
        for (var value = 1; value <= 50; value++)
        {
            histogram.Record(value);
        }

        histogram.Quantile(0).ShouldBe(1);
        histogram.Quantile(0.5).ShouldBe(25);
        histogram.Quantile(0.99).ShouldBe(50);
        histogram.Quantile(1).ShouldBe(50);
    }

    [Fact]
    public void A_clock_step_back_counts_as_zero_and_clear_forgets()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(-5);
        histogram.Quantile(1).ShouldBe(0);
        histogram.Clear();
        histogram.Count.ShouldBe(0);
        histogram.Quantile(1).ShouldBeNull();
    }
}
