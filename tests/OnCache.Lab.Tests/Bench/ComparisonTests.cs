using OnCache.Lab.Bench;

namespace OnCache.Lab.Tests.Bench;

public sealed class ComparisonTests
{
    [Fact]
    public void Every_round_runs_every_variant_and_reverses_their_order()
    {
        var slices = Schedule.Interleave(["rr", "stream"], ["a", "b", "c"], 2).ToArray();

        slices.Select(slice => $"{slice.Round}{slice.Metric}{slice.Variant}").ShouldBe(
        [
            "1rra", "1rrb", "1rrc", "1streama", "1streamb", "1streamc",
            "2rrc", "2rrb", "2rra", "2streamc", "2streamb", "2streama",
        ]);
    }

    [Fact]
    public void Rows_hold_medians_and_paired_ratios_to_the_other_variants_of_the_metric()
    {
        var comparison = new Comparison();
        double[] overlay = [10, 1, 30];
        double[] cached = [20, 2, 45];
        for (var round = 0; round < 3; round++)
        {
            comparison.Add(round, "rr", "overlay", new Sample(overlay[round], 1, 5, 8));
            comparison.Add(round, "rr", "oncache", new Sample(cached[round], 2, 3, 4));
            comparison.Add(round, "stream", "overlay", new Sample(7, 3, null, 1));
        }

        var rows = comparison.Rows();

        rows.Select(row => (row.Metric, row.Variant)).ShouldBe([("rr", "overlay"), ("rr", "oncache"), ("stream", "overlay")]);
        rows[1].Rate.ShouldBe(20);
        rows[1].P50Microseconds.ShouldBe(3);
        rows[1].RateRatios.ShouldBe(new Dictionary<string, double> { ["overlay"] = 2.0 });
        rows[1].CpuRatios["overlay"].ShouldBe(0.5);
        rows[2].P50Microseconds.ShouldBeNull();
        rows[2].RateRatios.ShouldBeEmpty();
    }

    [Fact]
    public void A_slice_counted_twice_is_an_error_in_the_program()
    {
        var comparison = new Comparison();
        comparison.Add(1, "rr", "host", new Sample(1, 1, 1, 1));

        Should.Throw<ArgumentException>(() => comparison.Add(1, "rr", "host", new Sample(1, 1, 1, 1)));
    }
}
