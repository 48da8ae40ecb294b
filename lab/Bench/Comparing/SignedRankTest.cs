namespace OnCache.Lab.Bench.Comparing;

/// <summary>The two-sided signed-rank test of Wilcoxon for a small sample of paired differences.</summary>
public static class SignedRankTest
{
    /// <summary>
    /// How likely differences that are as often positive as negative would be at least as one-sided in rank as these. Exact, also with ties.
    /// Zeros say nothing and are left out.
    /// </summary>
    /// <exception cref="ArgumentException">No differences, or one that is no number.</exception>
    public static double Probability(IReadOnlyCollection<double> differences)
    {
        ArgumentNullException.ThrowIfNull(differences);
        if (differences.Count == 0)
        {
            throw new ArgumentException("a signed-rank test needs at least one difference", nameof(differences));
        }

        if (!differences.All(double.IsFinite))
        {
            throw new ArgumentException("a signed-rank test needs finite differences", nameof(differences));
        }

        var sorted = differences.Where(difference => difference != 0).OrderBy(Math.Abs).ToArray();
        var ranks = DoubledRanks(sorted);
        var positive = ranks.Where((_, index) => sorted[index] > 0).Sum();
        var extreme = Math.Min(positive, ranks.Sum() - positive);
        return Math.Min(1, 2 * Ways(ranks).Take(extreme + 1).Sum() / Math.Pow(2, ranks.Length));
    }

    /// <summary>Twice the rank by size of each, so that the mean rank of tied ones is a whole number too.</summary>
    private static int[] DoubledRanks(double[] sorted)
    {
        var ranks = new int[sorted.Length];
        for (var first = 0; first < sorted.Length;)
        {
            var next = first;
            while (next < sorted.Length && Math.Abs(sorted[next]) == Math.Abs(sorted[first]))
            {
                next++;
            }

            Array.Fill(ranks, first + 1 + next, first, next - first);
            first = next;
        }

        return ranks;
    }

    /// <summary>By sum of ranks, how many choices of signs give it to the positive ones.</summary>
    private static double[] Ways(int[] ranks)
    {
        var ways = new double[ranks.Sum() + 1];
        ways[0] = 1;
        foreach (var rank in ranks)
        {
            for (var sum = ways.Length - 1; sum >= rank; sum--)
            {
                ways[sum] += ways[sum - rank];
            }
        }

        return ways;
    }
}
