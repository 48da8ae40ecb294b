using OnCache.Lab.Bench.Comparing;

namespace OnCache.Lab.Tests.Bench;

public sealed class RankTestTests
{
    [Theory]
    [InlineData(4, 2.0 / 70)]
    [InlineData(5, 2.0 / 252)]
    [InlineData(6, 2.0 / 924)]
    public void Samples_that_do_not_overlap_are_as_likely_as_their_two_orders_of_all(int size, double expected)
    {
        var low = Enumerable.Range(0, size).Select(i => (double)i).ToArray();
        var high = low.Select(value => value + 100).ToArray();

        RankTest.Probability(low, high).ShouldBe(expected, 1e-12);
        RankTest.Probability(high, low).ShouldBe(expected, 1e-12);
    }

    [Fact]
    public void A_sample_is_one_with_itself_and_with_what_interleaves_it()
    {
        double[] values = [1, 2, 3, 4, 5, 6];

        RankTest.Probability(values, values).ShouldBe(1);
        RankTest.Probability(values, [1.5, 2.5, 3.5, 4.5, 5.5, 0.5]).ShouldBeGreaterThan(0.5);
    }

    [Fact]
    public void It_agrees_with_a_published_table()
    {
        // Mann and Whitney's own: n = 3, m = 4, U = 1 has 2 of 35 orders at or below it.
        RankTest.Probability([1, 2, 4], [3, 5, 6, 7]).ShouldBe(2 * 2.0 / 35, 1e-12);
    }

    [Fact]
    public void Sizes_may_differ_and_none_is_an_error()
    {
        RankTest.Probability([1], [2, 3]).ShouldBe(2.0 / 3, 1e-12);
        Should.Throw<ArgumentException>(() => RankTest.Probability([], [1]));
    }
}
