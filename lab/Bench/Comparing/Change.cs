namespace OnCache.Lab.Bench.Comparing;

/// <summary>What became of one figure of one variant between two results.</summary>
/// <param name="Against">The baseline that both sides are ratios to; null for the figure itself.</param>
/// <param name="Before">Median.</param>
/// <param name="After">Median.</param>
/// <param name="Probability">Of the rank test: that the two are one and the same.</param>
public sealed record Change(string Metric, string Variant, string? Against, double Before, double After, double Probability, ChangeKind Kind)
{
    /// <summary>After / before; infinite where there was nothing before.</summary>
    public double Ratio => Before == 0 ? (After == 0 ? 1 : double.PositiveInfinity) : After / Before;
}

/// <summary>How a change is to be read.</summary>
public enum ChangeKind
{
    /// <summary>Within the noise.</summary>
    Same,
    Better,
    Worse,

    /// <summary>Beyond the noise, on a path that OnCache has no part in: the machine or the lab is another.</summary>
    Surroundings,
}
