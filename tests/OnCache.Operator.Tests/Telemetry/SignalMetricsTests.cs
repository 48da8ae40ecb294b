using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using OnCache.Operator.Peers;
using OnCache.Operator.Telemetry;

namespace OnCache.Operator.Tests.Telemetry;

public sealed class SignalMetricsTests
{
    [Fact]
    public void A_signal_counts_for_each_of_its_causes_and_once_for_its_delay()
    {
        var seen = new ConcurrentQueue<(string Instrument, string Tag, double Value)>();
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == OperatorMetrics.MeterName && instrument.Name.StartsWith("oncache.operator.signal", StringComparison.Ordinal))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => seen.Enqueue((instrument.Name, tags[0].Value!.ToString()!, value)));
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => seen.Enqueue((instrument.Name, "", value)));
        listener.Start();
        using var metrics = new OperatorMetrics();
        var since = DateTimeOffset.UnixEpoch;

        // A delay that no other test has: the meters of all are heard.
        metrics.Signalled(PendingSignal.Of(["shop/db"], [PeerCause.AddressReused, PeerCause.PodAddress], since), since.AddSeconds(1234.5));

        seen.ShouldContain(("oncache.operator.signals", "AddressReused", 1d));
        seen.ShouldContain(("oncache.operator.signals", "PodAddress", 1d));
        seen.ShouldContain(("oncache.operator.signal.delay", "", 1234.5));
    }
}
