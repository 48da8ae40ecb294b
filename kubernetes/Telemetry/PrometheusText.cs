using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace OnCache.Kubernetes.Telemetry;

/// <summary>The measurements of this process' instruments in Prometheus' text format (0.0.4). One instance per process.</summary>
public sealed class PrometheusText : IDisposable
{
    private static readonly double[] OrdinaryLimits = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

    private readonly double[] _limits;
    private readonly MeterListener _listener = new();
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, Family> _families = new(StringComparer.Ordinal);

    /// <summary>Begins to listen to the instruments of all meters whose name begins with <paramref name="prefix"/>.</summary>
    /// <param name="prefix">How the names of the meters begin.</param>
    /// <param name="limits">The upper limits of the histograms' buckets, ascending; a few between a millisecond and ten seconds when left out.</param>
    public PrometheusText(string prefix, IEnumerable<double>? limits = null)
    {
        _limits = [.. limits ?? OrdinaryLimits];
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name.StartsWith(prefix, StringComparison.Ordinal))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>All measurements as of now.</summary>
    public string Write()
    {
        lock (_lock)
        {
            // What is observed is told anew: a state that no object has any more must not stay.
            foreach (var family in _families.Values.Where(family => family.Kind == "gauge"))
            {
                family.Series.Clear();
            }

            _listener.RecordObservableInstruments();
            var text = new StringBuilder();
            foreach (var (name, family) in _families)
            {
                _ = text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {family.Help}\n# TYPE {name} {family.Kind}\n");
                foreach (var (labels, series) in family.Series)
                {
                    series.Write(text, name, labels, family.Kind == "histogram");
                }
            }

            return text.ToString();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = Labels(tags);
        lock (_lock)
        {
            var name = Name(instrument);
            if (!_families.TryGetValue(name, out var family))
            {
                _families[name] = family = new Family(Kind(instrument), Escape(instrument.Description ?? instrument.Name));
            }

            if (!family.Series.TryGetValue(labels, out var series))
            {
                family.Series[labels] = series = new Series(_limits);
            }

            series.Add(value, isSum: family.Kind != "gauge");
        }
    }

    private static string Kind(Instrument instrument) => instrument switch
    {
        Counter<long> or Counter<int> or Counter<double> => "counter",
        Histogram<double> or Histogram<long> or Histogram<int> => "histogram",
        _ => "gauge",
    };

    private static string Name(Instrument instrument)
    {
        var name = instrument.Name.Replace('.', '_').Replace('-', '_');
        var unit = instrument.Unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
        return name + unit + (Kind(instrument) == "counter" ? "_total" : "");
    }

    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var text = new StringBuilder();
        foreach (var tag in tags)
        {
            _ = text.Append(text.Length == 0 ? "" : ",")
                .Append(CultureInfo.InvariantCulture, $"{tag.Key.Replace('.', '_')}=\"{Escape($"{tag.Value}").Replace("\"", "\\\"", StringComparison.Ordinal)}\"");
        }

        return text.ToString();
    }

    private static string Escape(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private sealed record Family(string Kind, string Help)
    {
        public SortedDictionary<string, Series> Series { get; } = new(StringComparer.Ordinal);
    }

    private sealed class Series(double[] limits)
    {
        private readonly long[] _buckets = new long[limits.Length + 1];
        private double _value;
        private long _count;

        public void Add(double value, bool isSum)
        {
            _value = isSum ? _value + value : value;
            _count++;
            _buckets[limits.Count(limit => value > limit)]++;
        }

        public void Write(StringBuilder text, string name, string labels, bool isHistogram)
        {
            if (!isHistogram)
            {
                Line("", labels, _value);
                return;
            }

            var below = 0L;
            for (var i = 0; i < limits.Length; i++)
            {
                below += _buckets[i];
                Line("_bucket", With(string.Create(CultureInfo.InvariantCulture, $"{limits[i]}")), below);
            }

            Line("_bucket", With("+Inf"), _count);
            Line("_sum", labels, _value);
            Line("_count", labels, _count);

            void Line(string suffix, string set, double value) =>
                text.Append(CultureInfo.InvariantCulture, $"{name}{suffix}{(set.Length == 0 ? "" : $"{{{set}}}")} {value}\n");

            string With(string limit) => $"{labels}{(labels.Length == 0 ? "" : ",")}le=\"{limit}\"";
        }
    }
}
