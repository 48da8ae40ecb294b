namespace OnCache.Operator.Compilation;

/// <summary>Which of the policies that cover a node decide for at least some of its pods.</summary>
/// <param name="Winners">Those, in the order in which they are asked.</param>
/// <param name="Losers">The others, each with a winner that selects all of its pods before it is asked.</param>
internal sealed record Resolution(IReadOnlyList<ClusterPolicy> Winners, IReadOnlyDictionary<ClusterPolicy, ClusterPolicy> Losers);

/// <summary>Resolves conflicts by precedence: the first policy that selects a pod decides.</summary>
internal static class ConflictResolver
{
    /// <summary>Resolves the conflicts among the policies of one node, whatever their order.</summary>
    public static Resolution Resolve(IEnumerable<ClusterPolicy> policies)
    {
        var winners = new List<ClusterPolicy>();
        var losers = new Dictionary<ClusterPolicy, ClusterPolicy>(ReferenceEqualityComparer.Instance);
        foreach (var policy in policies.Order(Precedence.Order))
        {
            if (winners.Find(winner => PolicyCoverage.Includes(winner.Spec, policy.Spec)) is { } winner)
            {
                losers.Add(policy, winner);
            }
            else
            {
                winners.Add(policy);
            }
        }

        return new Resolution(winners, losers);
    }
}
