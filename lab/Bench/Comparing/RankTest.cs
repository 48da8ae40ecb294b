namespace OnCache.Lab.Bench.Comparing;

/// <summary>The two-sided rank test of Mann and Whitney for two small samples.</summary>
public static class RankTest
{
    /// <summary>
    /// How likely two samples of one and the same distribution would be at least as far apart in rank as these. Exact without ties; with ties
    /// never too small.
    /// </summary>
    /// <exception cref="ArgumentException">A sample is empty.</exception>
    public static double Probability(IReadOnlyCollection<double> first, IReadOnlyCollection<double> second)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        if (first.Count == 0 || second.Count == 0)
        {
            throw new ArgumentException("a rank test needs two samples", nameof(first));
        }

        // U: the pairs in which the first is larger; a tie is half a pair.
        var u = first.Sum(a => second.Sum(b => a > b ? 1 : a < b ? 0 : 0.5));
        var pairs = first.Count * second.Count;
        var extreme = (int)Math.Ceiling(Math.Min(u, pairs - u));
        var ways = Ways(first.Count, second.Count);
        return Math.Min(1, 2 * ways.Take(extreme + 1).Sum() / ways.Sum());
    }

    /// <summary>By U, in how many orders of n and m values it comes about: the coefficients of a Gaussian binomial.</summary>
    private static double[] Ways(int n, int m)
    {
        // ways[k][u]: k of the values taken so far belong to the first sample.
        var ways = Enumerable.Range(0, n + 1).Select(_ => new double[(n * m) + 1]).ToArray();
        ways[0][0] = 1;
        for (var taken = 1; taken <= n + m; taken++)
        {
            for (var own = Math.Min(taken, n); own >= 1; own--)
            {
                // The value taken now is the largest so far: of the first sample, it is larger than all of the second's.
                var others = taken - own;
                if (others > m)
                {
                    continue;
                }

                for (var u = n * m; u >= 0; u--)
                {
                    ways[own][u] += u >= others ? ways[own - 1][u - others] : 0;
                }
            }
        }

        return ways[n];
    }
}
