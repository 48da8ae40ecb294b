namespace OnCache.Lab.Bench;

/// <summary>One short measurement: which round, what, on which variant.</summary>
public readonly record struct Slice<TMetric, TVariant>(int Round, TMetric Metric, TVariant Variant);

/// <summary>The order of a comparison's slices.</summary>
public static class Schedule
{
    /// <summary>
    /// For each round (from 1) and metric every variant once, in an order that is reversed from round to round: what drifts during a round
    /// (clock, caches, neighbours) then favours each variant as often as it hurts it.
    /// </summary>
    public static IEnumerable<Slice<TMetric, TVariant>> Interleave<TMetric, TVariant>(
        IReadOnlyList<TMetric> metrics, IReadOnlyList<TVariant> variants, int rounds)
    {
        for (var round = 1; round <= rounds; round++)
        {
            foreach (var metric in metrics)
            {
                foreach (var variant in round % 2 == 1 ? variants : variants.Reverse())
                {
                    yield return new Slice<TMetric, TVariant>(round, metric, variant);
                }
            }
        }
    }
}
