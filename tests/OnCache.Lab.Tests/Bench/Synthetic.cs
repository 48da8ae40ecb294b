using OnCache.Lab.Bench.Results;
using OnCache.Lab.Bench.Suites;

namespace OnCache.Lab.Tests.Bench;

/// <summary>Results that nobody measured.</summary>
internal static class Synthetic
{
    public static BenchResult Result(params (string Workload, string Variant, double[] Samples)[] rows) => Result(Figure.Rate, rows);

    public static BenchResult Result(Figure figure, params (string Workload, string Variant, double[] Samples)[] rows)
    {
        var rounds = rows.Max(row => row.Samples.Length);
        var table = new MeasurementTable(rounds, Variant.Baselines);
        foreach (var (workload, variant, samples) in rows)
        {
            for (var round = 1; round <= samples.Length; round++)
            {
                table.Add(round, workload, variant, figure, samples[round - 1]);
            }
        }

        var machine = new MachineFacts(
            "6.18", "a CPU", 2, 16, "0.10 0.10 0.10", null, "0123456789ab",
            new Dictionary<string, string> { ["ip"] = "6.1" }, new Dictionary<string, IReadOnlyList<string>> { ["pod"] = ["tso"] });
        return new BenchResult(
            BenchResult.CurrentSchema, "synthetic", DateTimeOffset.UnixEpoch, 1, rounds, 0.1, machine,
            new Dictionary<string, string> { ["overlay"] = "pod to pod" }, [], table.Measurements());
    }
}
