using OnCache.Lab.Chaos;

namespace OnCache.Lab.Tests.Chaos;

/// <summary>Quantiles of the agents' histograms.</summary>
public sealed class FlushLatencyTests
{
    [Fact]
    public void Histograms_of_causes_and_agents_add_up()
    {
        var latency = new FlushLatency();
        latency.Quantile(0.5).ShouldBeNull();

        latency.Add(Page("PodDeleted", 3, 4, 4) + Page("Request", 0, 1, 1));
        latency.Add(Page("PodDeleted", 4, 4, 5));

        latency.Count.ShouldBe(10);
        latency.Quantile(0.5).ShouldBe(0.001);
        latency.Quantile(0.9).ShouldBe(0.01);
        latency.Quantile(0.99).ShouldBe(double.PositiveInfinity);
    }

    private static string Page(string cause, int first, int second, int all) =>
        $$"""
        # TYPE oncache_flush_latency_seconds histogram
        oncache_flush_latency_seconds_bucket{cause="{{cause}}",le="0.001"} {{first}}
        oncache_flush_latency_seconds_bucket{cause="{{cause}}",le="0.01"} {{second}}
        oncache_flush_latency_seconds_bucket{cause="{{cause}}",le="+Inf"} {{all}}
        oncache_flush_latency_seconds_count{cause="{{cause}}"} {{all}}

        """;
}
