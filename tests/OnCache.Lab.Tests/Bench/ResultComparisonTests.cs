using OnCache.Lab.Bench.Comparing;
using OnCache.Lab.Bench.Results;

namespace OnCache.Lab.Tests.Bench;

public sealed class ResultComparisonTests
{
    private static readonly double[] Quiet = [100, 101, 99, 100.5, 99.5, 100];

    [Fact]
    public void A_run_compared_with_itself_has_no_change()
    {
        var result = Synthetic.Result(("rr", "overlay", Quiet), ("rr", "oncache", Times(Quiet, 2)));

        var comparison = ResultComparison.Of(result, result);

        comparison.Changes.ShouldAllBe(change => change.Kind == ChangeKind.Same);
        comparison.Notes.ShouldBeEmpty();
        comparison.HasRegression.ShouldBeFalse();
    }

    [Fact]
    public void A_slower_machine_is_no_change_of_ours_but_is_said()
    {
        var before = Synthetic.Result(("rr", "overlay", Quiet), ("rr", "oncache", Times(Quiet, 2)));
        var after = Synthetic.Result(("rr", "overlay", Times(Quiet, 0.7)), ("rr", "oncache", Times(Quiet, 1.4)));

        var comparison = ResultComparison.Of(before, after);

        comparison.Changes.Single(change => change.Variant == "oncache").Kind.ShouldBe(ChangeKind.Same);
        comparison.Changes.Single(change => change.Variant == "overlay").Kind.ShouldBe(ChangeKind.Surroundings);
        comparison.HasRegression.ShouldBeFalse();
    }

    [Theory]
    [InlineData(1.9, ChangeKind.Worse)]
    [InlineData(2.1, ChangeKind.Better)]
    [InlineData(1.96, ChangeKind.Same)]
    public void Against_the_overlay_more_than_three_percent_beyond_the_noise_is_a_change(double ratio, ChangeKind expected)
    {
        // Each round has its own noise, which both paths share.
        double[] calm = [2.001, 1.999, 2, 2.002, 1.998, 2];
        var before = Synthetic.Result(("rr", "overlay", Quiet), ("rr", "oncache", [.. Quiet.Zip(calm, (value, noise) => value * noise)]));
        var after = Synthetic.Result(("rr", "overlay", Quiet), ("rr", "oncache", [.. Quiet.Zip(calm, (value, noise) => value * noise / 2 * ratio)]));

        var change = ResultComparison.Of(before, after).Changes.Single(one => one.Variant == "oncache");

        change.Kind.ShouldBe(expected);
        change.Against.ShouldBe("overlay");
        change.Ratio.ShouldBe(ratio / 2, 0.001);
    }

    [Fact]
    public void A_shift_within_the_scatter_is_none()
    {
        var before = Synthetic.Result(("rr", "overlay", Quiet), ("rr", "oncache", [150, 250, 160, 240, 170, 230]));
        var after = Synthetic.Result(("rr", "overlay", Quiet), ("rr", "oncache", [140, 235, 150, 225, 160, 215]));

        ResultComparison.Of(before, after).HasRegression.ShouldBeFalse();
    }

    [Fact]
    public void Less_time_is_better()
    {
        var before = Synthetic.Result(Figure.Cpu, ("rr", "overlay", Quiet), ("rr", "oncache", Times(Quiet, 0.5)));
        var after = Synthetic.Result(Figure.Cpu, ("rr", "overlay", Quiet), ("rr", "oncache", Times(Quiet, 0.4)));

        ResultComparison.Of(before, after).Changes.Single(change => change.Variant == "oncache").Kind.ShouldBe(ChangeKind.Better);
        ResultComparison.Of(after, before).HasRegression.ShouldBeTrue();
    }

    [Fact]
    public void Four_rounds_are_too_few_and_it_says_so()
    {
        var before = Synthetic.Result(("rr", "overlay", Quiet[..4]), ("rr", "oncache", Times(Quiet[..4], 2)));
        var after = Synthetic.Result(("rr", "overlay", Quiet[..4]), ("rr", "oncache", Quiet[..4]));

        var comparison = ResultComparison.Of(before, after);

        comparison.HasRegression.ShouldBeFalse();
        comparison.Notes.ShouldHaveSingleItem().ShouldContain("too few");
    }

    [Fact]
    public void What_only_one_side_has_is_noted()
    {
        var before = Synthetic.Result(("rr", "overlay", Quiet), ("crr", "overlay", Quiet));
        var after = Synthetic.Result(("rr", "overlay", Quiet));

        ResultComparison.Of(before, after).Notes.ShouldHaveSingleItem().ShouldBe("crr/rate on overlay: only in the first result");
    }

    private static double[] Times(double[] values, double factor) => [.. values.Select(value => value * factor)];
}
