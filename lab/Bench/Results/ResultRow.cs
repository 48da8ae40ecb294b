namespace OnCache.Lab.Bench.Results;

/// <summary>All figures of one workload on one variant: a row of the tables.</summary>
internal sealed record ResultRow(string Workload, string Variant, IReadOnlyDictionary<string, Measurement> Figures)
{
    /// <summary>What the workload is about: its rate or its throughput; null when neither was measured.</summary>
    public Measurement? Main => Figures.GetValueOrDefault(Figure.Rate.Name) ?? Figures.GetValueOrDefault(Figure.Throughput.Name);

    public Measurement? Cpu => Figures.GetValueOrDefault(Figure.Cpu.Name);

    /// <summary>In the order of the measurements.</summary>
    public static IReadOnlyList<ResultRow> Of(IReadOnlyList<Measurement> measurements) =>
    [
        .. measurements
            .GroupBy(measurement => (measurement.Workload, measurement.Variant))
            .Select(group => new ResultRow(
                group.Key.Workload, group.Key.Variant, group.ToDictionary(measurement => measurement.Figure, StringComparer.Ordinal)))
            .GroupBy(row => row.Workload, StringComparer.Ordinal)
            .SelectMany(rows => rows),
    ];

    /// <summary>The median of a figure with its unit; a dash when it was not measured.</summary>
    public string Text(Figure figure) => Figures.TryGetValue(figure.Name, out var found) ? Numbers.Of(found.Median) : "-";

    public string MainText => Main is { } main ? $"{Numbers.Of(main.Median)} {main.Unit}" : "-";

    /// <summary>Lost datagrams or retransmitted segments, per million operations.</summary>
    public string LossText => Figures.ContainsKey(Figure.Lost.Name) ? Text(Figure.Lost) : Text(Figure.Retransmitted);

    public static string RatioText(Measurement? measurement, string baseline) =>
        measurement is not null && measurement.Ratios.TryGetValue(baseline, out var ratio) ? Numbers.Of(ratio) : "-";
}
