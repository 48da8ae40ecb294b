using OnCache.Lab.Bench.Comparing;

namespace OnCache.Lab.Tests.Bench;

public sealed class SignedRankTestTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(20)]
    public void Differences_of_one_sign_are_as_likely_as_two_of_all_choices_of_signs(int size)
    {
        var differences = Enumerable.Range(1, size).Select(i => (double)i).ToArray();

        SignedRankTest.Probability(differences).ShouldBe(Math.Min(1, 2 / Math.Pow(2, size)), 1e-12);
        SignedRankTest.Probability([.. differences.Select(value => -value)]).ShouldBe(Math.Min(1, 2 / Math.Pow(2, size)), 1e-12);
    }

    [Fact]
    public void It_agrees_with_a_published_table()
    {
        // Wilcoxon's own, n = 8: a sum of 3 or less on one side has 5 of 256 choices of signs ({}, 1, 2, 3, 1+2).
        SignedRankTest.Probability([-1, -2, 3, 4, 5, 6, 7, 8]).ShouldBe(2 * 5 / 256.0, 1e-12);
    }

    [Fact]
    public void Differences_that_balance_are_no_evidence()
    {
        SignedRankTest.Probability([1, -1, 2, -2, 3, -3]).ShouldBe(1);
    }

    [Fact]
    public void Ties_share_the_mean_of_their_ranks()
    {
        // Ranks 1.5, 1.5 and 3: a sum of 1.5 or less on the negative side has the empty choice and two of one tied rank.
        SignedRankTest.Probability([-1, 1, 2]).ShouldBe(2 * 3 / 8.0, 1e-12);
    }

    [Fact]
    public void Zeros_say_nothing_and_none_is_an_error()
    {
        SignedRankTest.Probability([0, 0, 1, 2]).ShouldBe(SignedRankTest.Probability([1, 2]));
        SignedRankTest.Probability([0]).ShouldBe(1);
        Should.Throw<ArgumentException>(() => SignedRankTest.Probability([]));
        Should.Throw<ArgumentException>(() => SignedRankTest.Probability([1, double.NaN]));
        Should.Throw<ArgumentException>(() => SignedRankTest.Probability([1, double.PositiveInfinity]));
    }
}
