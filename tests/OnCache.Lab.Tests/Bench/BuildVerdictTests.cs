using OnCache.Lab.Bench.Builds;
using OnCache.Lab.Bench.Results;

namespace OnCache.Lab.Tests.Bench;

public sealed class BuildVerdictTests
{
    // As much as one round differs from the next on a quiet machine.
    private static readonly double[] s_noise = [0, 0.004, -0.003, 0.001, -0.005, 0.002, 0.003, -0.002, 0.005, -0.004];

    [Theory]
    [InlineData(1.0, BuildChange.None)]
    [InlineData(1.015, BuildChange.None)]
    [InlineData(1.03, BuildChange.Slower)]
    [InlineData(0.985, BuildChange.None)]
    [InlineData(0.97, BuildChange.Faster)]
    public void More_than_two_percent_is_a_change(double ratio, BuildChange expected)
    {
        var verdict = Judge(20, round => ratio + s_noise[(round / 2) % s_noise.Length]);

        verdict.Change.ShouldBe(expected);
        verdict.Rounds.ShouldBe(20);
        verdict.Ratio.ShouldBe(ratio, 0.005);
    }

    [Fact]
    public void What_the_order_of_the_labs_does_to_a_build_cancels_out()
    {
        // The labs that are made last are faster by five percent, whosever they are.
        var verdict = Judge(20, round => (round % 2 == 0 ? 0.95 : 1 / 0.95) * (1 + s_noise[round / 2]));

        verdict.Change.ShouldBe(BuildChange.None);
        verdict.Ratio.ShouldBe(1, 0.005);
    }

    [Fact]
    public void A_shift_that_only_some_rounds_show_is_none()
    {
        Judge(20, round => round < 12 ? 1.04 : 0.97).Change.ShouldBe(BuildChange.None);
    }

    [Fact]
    public void Too_few_rounds_are_no_verdict_and_half_a_pair_does_not_count()
    {
        Judge(14, _ => 1.5).Change.ShouldBe(BuildChange.TooFew);
        Judge(16, _ => 1.5).Change.ShouldBe(BuildChange.Slower);
        Judge(16, round => round == 3 ? null : 1.5).ShouldSatisfyAllConditions(
            verdict => verdict.Change.ShouldBe(BuildChange.TooFew),
            verdict => verdict.Rounds.ShouldBe(14));
    }

    [Fact]
    public void A_row_that_was_not_measured_is_no_verdict()
    {
        var result = Synthetic.Result(Figure.Time, ("rr", Build.Base, [1]), ("rr", Build.This, [1]));

        BuildVerdict.Of(result, ["crr"]).Single().Change.ShouldBe(BuildChange.TooFew);
    }

    private static BuildVerdict Judge(int rounds, Func<int, double?> ratio)
    {
        var table = new MeasurementTable(rounds, [Build.Base]);
        for (var round = 0; round < rounds; round++)
        {
            if (ratio(round) is { } value)
            {
                table.Add(round + 1, "rr", Build.Base, Figure.Time, 10 + round);
                table.Add(round + 1, "rr", Build.This, Figure.Time, (10 + round) * value);
            }
        }

        return BuildVerdict.Of(Synthetic.Result(Figure.Time, ("rr", Build.Base, [1])) with { Measurements = table.Measurements() }, ["rr"]).Single();
    }
}
