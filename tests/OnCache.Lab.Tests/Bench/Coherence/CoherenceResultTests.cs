using OnCache.Lab.Bench.Coherence;

namespace OnCache.Lab.Tests.Bench.Coherence;

/// <summary>Figures of a run, and what of them contradicts the guarantee.</summary>
public sealed class CoherenceResultTests
{
    [Fact]
    public void Quantiles_are_samples()
    {
        var measurement = new Measurement("m", "v", "ms", [.. Enumerable.Range(1, 100).Select(static value => (double)value).Reverse()]);

        (measurement.Median, measurement.P99, measurement.Max).ShouldBe((50, 99, 100));
    }

    [Fact]
    public void Only_packets_after_the_bound_contradict_the_guarantee()
    {
        var result = new CoherenceResult(
            "6.1", 2, 0.5, 10,
            [
                new($"a: {CoherenceMetric.StaleBefore}", "10 pods", "packets", [7]),
                new($"a: {CoherenceMetric.StaleAfter}", "10 pods", "packets", [0, 0]),
                new($"b: {CoherenceMetric.StaleAfter}", "10 pods", "packets", [0, 3]),
            ]);

        result.Violations.ShouldBe(["b: stale packets after the bound, 10 pods: 3 packets under a stale verdict"]);
    }
}
