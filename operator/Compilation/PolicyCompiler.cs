using OnCache.Api;
using OnCache.Operator.Validation;

namespace OnCache.Operator.Compilation;

/// <summary>Turns policies and nodes into one configuration per node. A pure function: neither the order of its arguments nor time matters.</summary>
internal static class PolicyCompiler
{
    /// <summary>Compiles.</summary>
    /// <param name="policies">All policies but those that are being deleted.</param>
    /// <param name="nodes">All nodes.</param>
    public static CompiledCluster Compile(IEnumerable<ClusterPolicy> policies, IEnumerable<ClusterNode> nodes)
    {
        var ordered = policies.Order(Precedence.Order).Select(policy => new Candidate(policy, PolicyProblems.First(policy.Spec))).ToArray();

        // Thousands of nodes share a few sets of policies, and nodes of the same set share one result.
        var groups = nodes
            .Where(node => node.IsLinux)
            .GroupBy(node => new CoveringSet([.. ordered.Where(candidate => node.IsCoveredBy(candidate.Policy.Spec))]))
            .Select(group => (Result: Compile(group.Key.Candidates), Nodes: group.Select(node => node.Name).Order(StringComparer.Ordinal).ToArray()))
            .OrderBy(group => group.Nodes[0], StringComparer.Ordinal)
            .ToArray();

        return new CompiledCluster(
            groups.SelectMany(group => group.Nodes.Select(node => (node, group.Result.Spec)))
                .ToDictionary(pair => pair.node, pair => pair.Spec, StringComparer.Ordinal),
            ordered.ToDictionary(
                candidate => candidate.Policy.Name,
                candidate => Outcome(candidate, [.. groups.Where(group => group.Result.Policies.Contains(candidate))]),
                StringComparer.Ordinal));
    }

    private static NodeResult Compile(IReadOnlyList<Candidate> covering)
    {
        var exclusions = ExclusionUnion.Of(covering.Select(candidate => candidate.Policy.Spec.Exclusions));
        var overflow = ExclusionUnion.Overflow(exclusions);
        var resolution = ConflictResolver.Resolve(covering.Where(candidate => candidate.Problem is null).Select(candidate => candidate.Policy));

        // Without its exclusions no policy may be in force. Without room the last ones go: pods that no policy selects stay with the CNI.
        var inForce = overflow is null ? resolution.Winners.Take(NodeCacheConfigSpec.MaximumPolicies).ToArray() : [];
        var refusal = overflow ?? $"more than {NodeCacheConfigSpec.MaximumPolicies} policies cover the node; raise its priority or remove others";
        var spec = NodeSettings.Merge(inForce) with
        {
            Exclusions = overflow is null ? exclusions : new Exclusions(),
            Policies = [.. inForce.Select(Flatten)],
        };
        return new NodeResult(
            covering.ToHashSet(),
            spec,
            resolution.Losers.ToDictionary(pair => pair.Key.Name, pair => pair.Value, StringComparer.Ordinal),
            resolution.Winners.Skip(inForce.Length).ToDictionary(policy => policy.Name, _ => refusal, StringComparer.Ordinal));
    }

    private static CachePolicy Flatten(ClusterPolicy policy) => new()
    {
        Name = policy.Name,
        Priority = policy.Spec.Priority,
        Mode = policy.Spec.Mode,
        HostRules = policy.Spec.HostRules,
        Protocols = policy.Spec.Protocols.ToBits(),
        Namespaces = policy.Spec.Namespaces,
        PodSelector = policy.Spec.PodSelector,
    };

    private static CompiledPolicy Outcome(Candidate candidate, IReadOnlyList<(NodeResult Result, string[] Nodes)> groups)
    {
        var name = candidate.Policy.Name;
        var refusals = groups
            .Where(group => group.Result.Refusals.ContainsKey(name))
            .SelectMany(group => group.Nodes.Select(node => (node, Why: group.Result.Refusals[name])))
            .ToDictionary(pair => pair.node, pair => pair.Why, StringComparer.Ordinal);
        return new CompiledPolicy(
            candidate.Policy,
            Accept(candidate, groups),
            [.. groups.SelectMany(group => group.Nodes).Order(StringComparer.Ordinal)],
            refusals);
    }

    private static Acceptance Accept(Candidate candidate, IReadOnlyList<(NodeResult Result, string[] Nodes)> groups)
    {
        var name = candidate.Policy.Name;
        if (candidate.Problem is { } problem)
        {
            return new Acceptance(ConditionReason.Invalid, $"{problem.Field}: {problem.Message}");
        }

        if (groups.Count == 0)
        {
            return new Acceptance(ConditionReason.TargetNotFound, "no Linux node has the labels of spec.nodeSelector; correct it or label a node");
        }

        if (groups.Any(group => !group.Result.Losers.ContainsKey(name) && !group.Result.Refusals.ContainsKey(name)))
        {
            return Acceptance.Yes;
        }

        if (groups.FirstOrDefault(group => group.Result.Refusals.ContainsKey(name)) is { Result: { } refusing, Nodes: { } refused })
        {
            return new Acceptance(ConditionReason.Conflicted, $"node {refused[0]}: {refusing.Refusals[name]}");
        }

        var winner = groups.Select(group => group.Result.Losers[name]).Order(Precedence.Order).First();
        return new Acceptance(
            ConditionReason.Conflicted,
            $"policy {winner.Name} (priority {winner.Spec.Priority}) decides before it for every pod it selects; raise its priority or narrow {winner.Name}");
    }

    private sealed record Candidate(ClusterPolicy Policy, FieldProblem? Problem);

    private sealed record NodeResult(
        IReadOnlySet<Candidate> Policies,
        NodeCacheConfigSpec Spec,
        IReadOnlyDictionary<string, ClusterPolicy> Losers,
        IReadOnlyDictionary<string, string> Refusals);

    private sealed class CoveringSet(Candidate[] candidates) : IEquatable<CoveringSet>
    {
        public IReadOnlyList<Candidate> Candidates => candidates;

        public bool Equals(CoveringSet? other) => other is not null && candidates.SequenceEqual(other.Candidates, ReferenceEqualityComparer.Instance);

        public override bool Equals(object? obj) => Equals(obj as CoveringSet);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            foreach (var candidate in candidates)
            {
                hash.Add(candidate.Policy.Name, StringComparer.Ordinal);
            }

            return hash.ToHashCode();
        }
    }
}
