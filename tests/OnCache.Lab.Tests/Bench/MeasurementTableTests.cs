using OnCache.Lab.Bench.Results;

namespace OnCache.Lab.Tests.Bench;

public sealed class MeasurementTableTests
{
    [Fact]
    public void Ratios_are_paired_by_round_and_a_missing_round_stays_missing()
    {
        var table = new MeasurementTable(3, ["overlay", "host"]);
        table.Add(1, "rr", "overlay", Figure.Rate, 10);
        table.Add(3, "rr", "overlay", Figure.Rate, 30);
        table.Add(1, "rr", "oncache", Figure.Rate, 20);
        table.Add(2, "rr", "oncache", Figure.Rate, 22);
        table.Add(3, "rr", "oncache", Figure.Rate, 45);

        var rows = table.Measurements();

        rows.Select(row => (row.Metric, row.Variant)).ShouldBe([("rr/rate", "overlay"), ("rr/rate", "oncache")]);
        rows[0].Samples.ShouldBe([10, null, 30]);
        rows[0].Ratios.ShouldBeEmpty();
        (rows[1].Min, rows[1].Median, rows[1].Max).ShouldBe((20, 22, 45));
        var ratio = rows[1].Ratios.ShouldHaveSingleItem();
        ratio.Key.ShouldBe("overlay");
        ratio.Value.Samples.ShouldBe([2, null, 1.5]);
        (ratio.Value.Min, ratio.Value.Median, ratio.Value.Max).ShouldBe((1.5, 1.75, 2));
    }

    [Fact]
    public void Counts_have_no_ratios_and_nothing_is_divided_by_zero()
    {
        var table = new MeasurementTable(1, ["overlay"]);
        table.Add(1, "rr", "overlay", Figure.Lost, 3);
        table.Add(1, "rr", "oncache", Figure.Lost, 3);
        table.Add(1, "rr", "overlay", Figure.Rate, 0);
        table.Add(1, "rr", "oncache", Figure.Rate, 3);

        table.Measurements().ShouldAllBe(row => row.Ratios.Count == 0);
    }

    [Fact]
    public void A_round_measured_twice_is_an_error_in_the_program()
    {
        var table = new MeasurementTable(1, []);
        table.Add(1, "rr", "host", Figure.Rate, 1);

        Should.Throw<ArgumentException>(() => table.Add(1, "rr", "host", Figure.Rate, 1));
        Should.Throw<ArgumentException>(() => table.Add(2, "rr", "host", Figure.Rate, 1));
    }
}
