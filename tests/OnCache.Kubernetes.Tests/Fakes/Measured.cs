using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace OnCache.Kubernetes.Tests.Fakes;

/// <summary>What one meter reports from now on; others of its name are not heard.</summary>
internal sealed class Measured : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<(string Instrument, string Tags, double Value)> _values = new();

    public Measured(Meter meter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter, meter))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>The sum of an instrument's values that carry a tag.</summary>
    public double Sum(string instrument, string tag) =>
        _values
            .Where(value => value.Instrument == instrument && value.Tags.Contains(tag, StringComparison.Ordinal))
            .Sum(value => value.Value);

    /// <summary>The last value of an instrument that is read on demand.</summary>
    public double Read(string instrument)
    {
        _listener.RecordObservableInstruments();
        return _values.Last(value => value.Instrument == instrument).Value;
    }

    public void Dispose() => _listener.Dispose();

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        _values.Enqueue((instrument.Name, string.Join(',', tags.ToArray().Select(tag => tag.Value)), value));
}
