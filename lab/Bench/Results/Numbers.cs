using System.Globalization;

namespace OnCache.Lab.Bench.Results;

/// <summary>Figures as people read them: three or four digits, and the same everywhere.</summary>
internal static class Numbers
{
    public static string Of(double value)
    {
        var size = Math.Abs(value);
        var format = size >= 1e6 ? "0,,.00'M'" : size >= 1e4 ? "0,.0'k'" : size >= 100 ? "0" : size >= 10 ? "0.0" : size == 0 ? "0" : "0.00";
        return value.ToString(format, CultureInfo.InvariantCulture);
    }

    /// <summary>Smallest, middle, largest.</summary>
    public static string Of(RatioSummary ratio) =>
        string.Create(CultureInfo.InvariantCulture, $"{ratio.Min:F2}-{ratio.Median:F2}-{ratio.Max:F2}");
}
