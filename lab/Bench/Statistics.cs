namespace OnCache.Lab.Bench;

/// <summary>Statistics of small samples.</summary>
public static class Statistics
{
    /// <summary>The middle value, or the mean of the two middle ones.</summary>
    /// <exception cref="ArgumentException">No values.</exception>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        if (sorted.Length == 0)
        {
            throw new ArgumentException("a median needs at least one value", nameof(values));
        }

        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>The distance between the quartiles, which are taken between neighbours in proportion: half of the values are within.</summary>
    /// <exception cref="ArgumentException">No values.</exception>
    public static double InterquartileRange(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? throw new ArgumentException("a range needs at least one value", nameof(values)) : Quantile(sorted, 0.75) - Quantile(sorted, 0.25);
    }

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

    private static double Quantile(double[] sorted, double share)
    {
        var place = share * (sorted.Length - 1);
        var below = (int)place;
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((place - below) * (sorted[above] - sorted[below]));
    }
}
