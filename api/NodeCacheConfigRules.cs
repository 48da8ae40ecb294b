namespace OnCache.Api;

/// <summary>What a <see cref="NodeCacheConfig"/> must satisfy beyond the types of its fields.</summary>
public static class NodeCacheConfigRules
{
    /// <summary>The problems of fields that are wrong by themselves or repeat another one, in the order of the fields.</summary>
    public static IEnumerable<FieldProblem> CheckFields(NodeCacheConfig config)
    {
        var spec = config.Spec;
        return
        [
            .. FieldRules.Subdomain("metadata.name", config.Metadata.Name),
            .. FieldRules.CacheSizes("spec.cacheSizes", spec.CacheSizes),
            .. FieldRules.Within("spec.lease", spec.Lease, NodeCacheConfigSpec.LeaseBounds),
            .. FieldRules.Within("spec.settle", spec.Settle, NodeCacheConfigSpec.SettleBounds),
            .. Check(spec.Exclusions),
            .. FieldRules.AtMost("spec.policies", spec.Policies.Count, NodeCacheConfigSpec.MaximumPolicies),
            .. spec.Policies.SelectMany((policy, i) => Check($"spec.policies[{i}]", policy)),
            .. FieldRules.Unique(spec.Policies, i => $"spec.policies[{i}].name", policy => policy.Name.Length == 0 ? null : policy.Name),
            .. spec.PeerSignal is { } signal ? Check(signal) : [],
        ];
    }

    /// <summary>The problems between fields; worth asking once each field is right by itself.</summary>
    public static IEnumerable<FieldProblem> CheckRelations(NodeCacheConfig config)
    {
        var policies = config.Spec.Policies;
        for (var i = 1; i < policies.Count; i++)
        {
            if (policies[i].Priority > policies[i - 1].Priority)
            {
                yield return new(
                    $"spec.policies[{i}].priority",
                    $"{policies[i].Priority} is higher than {policies[i - 1].Priority} of the policy before it; list the highest priority first");
            }
        }
    }

    private static IEnumerable<FieldProblem> Check(Exclusions exclusions) =>
    [
        .. FieldRules.AtMost("spec.exclusions.cidrs", exclusions.Cidrs.Count, Exclusions.MaximumEntries),
        .. FieldRules.Unique(exclusions.Cidrs, i => $"spec.exclusions.cidrs[{i}]", cidr => cidr.ToString()),
        .. FieldRules.AtMost("spec.exclusions.ports", exclusions.Ports.Count, Exclusions.MaximumEntries),
        .. FieldRules.Ports("spec.exclusions.ports", exclusions.Ports),
        .. FieldRules.AtMost("spec.exclusions.namespaces", exclusions.Namespaces.Count, Exclusions.MaximumEntries),
        .. exclusions.Namespaces.SelectMany((name, i) => FieldRules.Namespace($"spec.exclusions.namespaces[{i}]", name)),
        .. FieldRules.AtMost("spec.exclusions.podSelectors", exclusions.PodSelectors.Count, Exclusions.MaximumSelectors),
        .. exclusions.PodSelectors.SelectMany((selector, i) => FieldRules.Selector($"spec.exclusions.podSelectors[{i}]", selector)),
    ];

    private static IEnumerable<FieldProblem> Check(PeerSignal signal) =>
    [
        .. FieldRules.AtMost("spec.peerSignal.networkPolicies", signal.NetworkPolicies.Count, PeerSignal.MaximumPolicies),
        .. signal.NetworkPolicies.SelectMany((name, i) => FieldRules.NamespacedName($"spec.peerSignal.networkPolicies[{i}]", name)),
    ];

    private static IEnumerable<FieldProblem> Check(string field, CachePolicy policy) =>
    [
        .. FieldRules.Subdomain($"{field}.name", policy.Name),
        .. policy.Protocols == Protocols.None
            ? new[] { new FieldProblem($"{field}.protocols", "no protocol is listed; list TCP, UDP or ICMP, or leave the field out for all") }
            : [],
        .. FieldRules.Namespaces($"{field}.namespaces", policy.Namespaces),
        .. FieldRules.Selector($"{field}.podSelector", policy.PodSelector),
    ];
}
