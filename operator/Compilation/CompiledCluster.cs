using OnCache.Api;

namespace OnCache.Operator.Compilation;

/// <summary>What policies and nodes come to.</summary>
/// <param name="Nodes">One for each Linux node, by name. A node that no policy covers has an empty list of policies: its agent must know.</param>
/// <param name="Policies">One for each policy, by name.</param>
internal sealed record CompiledCluster(
    IReadOnlyDictionary<string, NodeCacheConfigSpec> Nodes,
    IReadOnlyDictionary<string, CompiledPolicy> Policies);

/// <summary>What a policy comes to.</summary>
/// <param name="Policy">The policy.</param>
/// <param name="Acceptance">Whether it is in force anywhere.</param>
/// <param name="Nodes">The nodes it covers, in the order of their names.</param>
/// <param name="Refusals">Of these, nodes where it cannot be put in force, and why.</param>
internal sealed record CompiledPolicy(
    ClusterPolicy Policy,
    Acceptance Acceptance,
    IReadOnlyList<string> Nodes,
    IReadOnlyDictionary<string, string> Refusals);

/// <summary>Whether a policy is in force anywhere.</summary>
/// <param name="Reason">Accepted, Invalid, TargetNotFound or Conflicted: see <see cref="ConditionReason"/>.</param>
/// <param name="Message">Why not, and what would help.</param>
internal sealed record Acceptance(string Reason, string Message)
{
    public static Acceptance Yes { get; } = new(ConditionReason.Accepted, "the policy is valid and decides for pods of the nodes it selects");

    public bool IsAccepted => string.Equals(Reason, ConditionReason.Accepted, StringComparison.Ordinal);
}
