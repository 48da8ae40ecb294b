using MathNet.Numerics.Statistics;

namespace OnCache.Lab.Bench;

/// <summary>Statistics of small samples.</summary>
public static class Statistics
{
    /// <summary>The middle value, or the mean of the two middle ones.</summary>
    /// <exception cref="ArgumentException">No values.</exception>
    public static double Median(IEnumerable<double> values) => SortedArrayStatistics.Median(Sorted(values));

    /// <summary>The distance between the quartiles, which are taken between neighbours in proportion: half of the values are within.</summary>
    /// <exception cref="ArgumentException">No values.</exception>
    public static double InterquartileRange(IEnumerable<double> values)
    {
        var sorted = Sorted(values);
        return SortedArrayStatistics.QuantileCustom(sorted, 0.75, QuantileDefinition.R7) - SortedArrayStatistics.QuantileCustom(sorted, 0.25, QuantileDefinition.R7);
    }

    /// <summary>The smallest of the values that this share of them does not exceed.</summary>
    /// <param name="values">At least one.</param>
    /// <param name="share">0 to 1.</param>
    /// <exception cref="ArgumentException">No values.</exception>
    public static double Reached(IEnumerable<double> values, double share) =>
        SortedArrayStatistics.QuantileCustom(Sorted(values), share, QuantileDefinition.EmpiricalInvCDF);

    /// <summary>The median over rounds of value / baseline, each pair from one round, so that what a whole round suffered cancels out.</summary>
    /// <param name="values">By round.</param>
    /// <param name="baseline">By round; rounds that only one side has are left out.</param>
    /// <returns>Null when no round has both, or a baseline is zero.</returns>
    public static double? PairedRatio(IReadOnlyDictionary<int, double> values, IReadOnlyDictionary<int, double> baseline)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(baseline);
        var ratios = values.Where(pair => baseline.ContainsKey(pair.Key)).Select(pair => pair.Value / baseline[pair.Key]).ToArray();
        return ratios.Length == 0 || !ratios.All(double.IsFinite) ? null : Median(ratios);
    }

    private static double[] Sorted(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? throw new ArgumentException("at least one value is needed", nameof(values)) : sorted;
    }
}
