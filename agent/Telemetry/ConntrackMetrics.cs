using System.Diagnostics.Metrics;

namespace OnCache.Agent.Telemetry;

/// <summary>How full the node's connection tracking is. One instance per process.</summary>
internal sealed class ConntrackMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "OnCache.Agent.Conntrack";

    private readonly Meter _meter = new(MeterName);

    /// <param name="status">As of the last look; null before the first, and where it cannot be told. Called from any thread.</param>
    public ConntrackMetrics(Func<ConntrackStatus?> status)
    {
        _ = _meter.CreateObservableGauge("oncache.conntrack.entries", () => Of(static now => now.Entries), "{connection}", "Connections that the node's connection tracking holds");
        _ = _meter.CreateObservableGauge("oncache.conntrack.maximum", () => Of(static now => now.Maximum), "{connection}", "The most that it may hold: beyond it the kernel drops new connections");

        IEnumerable<Measurement<long>> Of(Func<ConntrackStatus, long> number) => status() is { } now ? [new Measurement<long>(number(now))] : [];
    }

    public void Dispose() => _meter.Dispose();
}
