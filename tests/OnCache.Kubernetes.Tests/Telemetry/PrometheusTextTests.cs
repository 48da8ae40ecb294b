using System.Diagnostics.Metrics;
using OnCache.Kubernetes.Telemetry;

namespace OnCache.Kubernetes.Tests.Telemetry;

public sealed class PrometheusTextTests
{
    [Fact]
    public void Instruments_are_written_in_the_text_format()
    {
        // A name of its own: instruments of other tests are heard by their listeners alone.
        var name = $"Test{Guid.NewGuid():N}";
        using var meter = new Meter(name);
        using var text = new PrometheusText(name);
        var counter = meter.CreateCounter<long>("t.writes", "{write}", "Writes\nby outcome");
        var histogram = meter.CreateHistogram<double>("t.duration", "s", "Time");
        var states = new List<Measurement<int>> { new(2, new KeyValuePair<string, object?>("state", "a\"b")) };
        _ = meter.CreateObservableGauge("t.states", () => states, description: "States");

        counter.Add(2, new KeyValuePair<string, object?>("outcome", "ok"));
        counter.Add(1, new KeyValuePair<string, object?>("outcome", "ok"));
        histogram.Record(0.004);
        histogram.Record(0.2);
        histogram.Record(100);

        text.Write().ShouldBe(
            """
            # HELP t_duration_seconds Time
            # TYPE t_duration_seconds histogram
            t_duration_seconds_bucket{le="0.001"} 0
            t_duration_seconds_bucket{le="0.005"} 1
            t_duration_seconds_bucket{le="0.01"} 1
            t_duration_seconds_bucket{le="0.05"} 1
            t_duration_seconds_bucket{le="0.1"} 1
            t_duration_seconds_bucket{le="0.5"} 2
            t_duration_seconds_bucket{le="1"} 2
            t_duration_seconds_bucket{le="5"} 2
            t_duration_seconds_bucket{le="10"} 2
            t_duration_seconds_bucket{le="+Inf"} 3
            t_duration_seconds_sum 100.204
            t_duration_seconds_count 3
            # HELP t_states States
            # TYPE t_states gauge
            t_states{state="a\"b"} 2
            # HELP t_writes_total Writes\nby outcome
            # TYPE t_writes_total counter
            t_writes_total{outcome="ok"} 3

            """);

        states.Clear();
        text.Write().ShouldNotContain("t_states{");
    }

    [Fact]
    public void Other_limits_make_other_buckets()
    {
        var name = $"Test{Guid.NewGuid():N}";
        using var meter = new Meter(name);
        using var text = new PrometheusText(name, [0.00005, 2]);

        meter.CreateHistogram<double>("t.duration", "s", "Time").Record(0.001);

        text.Write().ShouldContain("le=\"5E-05\"} 0\nt_duration_seconds_bucket{le=\"2\"} 1\nt_duration_seconds_bucket{le=\"+Inf\"} 1");
    }
}
