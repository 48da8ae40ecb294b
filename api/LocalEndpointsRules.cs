using OnCache.Kubernetes.Models;

namespace OnCache.Api;

/// <summary>What a <see cref="LocalEndpoints"/> must satisfy beyond the types of its fields.</summary>
public static class LocalEndpointsRules
{
    /// <summary>The problems of fields that are wrong by themselves or repeat another one, in the order of the fields.</summary>
    public static IEnumerable<FieldProblem> CheckFields(LocalEndpoints local) =>
    [
        .. FieldRules.Subdomain("metadata.name", local.Metadata.Name),
        .. local.Namespaces.SelectMany((item, i) => Check($"namespaces[{i}]", item)),
        .. FieldRules.Unique(local.Namespaces, i => $"namespaces[{i}].name", item => item.Name.Length == 0 ? null : item.Name),
        .. local.Endpoints.SelectMany((endpoint, i) => Check($"endpoints[{i}]", endpoint)),
        .. FieldRules.Unique(
            local.Endpoints,
            i => $"endpoints[{i}].name",
            endpoint => endpoint.Name.Length == 0 || endpoint.Namespace.Length == 0 ? null : $"{endpoint.Namespace}/{endpoint.Name}"),
        .. FieldRules.Unique(local.Endpoints, i => $"endpoints[{i}].uid", endpoint => endpoint.Uid.Length == 0 ? null : endpoint.Uid),

        // Pods on the host network all share the node's address.
        .. FieldRules.Unique(
            local.Endpoints,
            i => $"endpoints[{i}].ip",
            endpoint => endpoint.HostNetwork || !Ipv4Notation.IsPodAddress(endpoint.Ip) ? null : endpoint.Ip.ToString()),
        .. Policies(local).SelectMany((policy, i) => Check($"networkPolicies[{i}]", policy)),
        .. FieldRules.Unique(
            Policies(local),
            i => $"networkPolicies[{i}].metadata.name",
            policy => policy.Metadata.Name is null or "" ? null : $"{policy.Metadata.NamespaceProperty}/{policy.Metadata.Name}"),
    ];

    /// <summary>The problems between fields; worth asking once each field is right by itself.</summary>
    public static IEnumerable<FieldProblem> CheckRelations(LocalEndpoints local)
    {
        var known = local.Namespaces.Select(item => item.Name).ToHashSet(StringComparer.Ordinal);
        for (var i = 0; i < local.Endpoints.Count; i++)
        {
            if (local.Endpoints[i].Namespace is { } name && !known.Contains(name))
            {
                yield return new($"endpoints[{i}].namespace", $"{name} is not in the list of namespaces; add it there with its labels");
            }
        }
    }

    private static IReadOnlyList<V1NetworkPolicy> Policies(LocalEndpoints local) => local.NetworkPolicies ?? [];

    private static IEnumerable<FieldProblem> Check(string field, V1NetworkPolicy policy) =>
    [
        .. FieldRules.Subdomain($"{field}.metadata.name", policy.Metadata.Name ?? ""),
        .. FieldRules.Namespace($"{field}.metadata.namespace", policy.Metadata.NamespaceProperty ?? ""),
        .. FieldRules.Selector($"{field}.spec.podSelector", Selector(policy.Spec.PodSelector)),
        .. policy.Spec.Ingress.SelectMany((rule, i) => Check($"{field}.spec.ingress[{i}].from", rule.FromProperty)),
        .. policy.Spec.Egress.SelectMany((rule, i) => Check($"{field}.spec.egress[{i}].to", rule.To)),
    ];

    private static IEnumerable<FieldProblem> Check(string field, IReadOnlyList<V1NetworkPolicyPeer> peers) => peers.SelectMany((peer, i) =>
        FieldRules.Selector($"{field}[{i}].podSelector", Selector(peer.PodSelector))
            .Concat(FieldRules.Selector($"{field}[{i}].namespaceSelector", Selector(peer.NamespaceSelector))));

    private static LabelSelector? Selector(V1LabelSelector? selector) => selector is null ? null : new LabelSelector
    {
        MatchLabels = selector.MatchLabels,
        MatchExpressions =
        [
            .. selector.MatchExpressions.Select(static one =>
                new LabelSelectorRequirement(one.Key, Enum.Parse<LabelSelectorOperator>(one.OperatorProperty), one.Values)),
        ],
    };

    private static IEnumerable<FieldProblem> Check(string field, LocalNamespace item) =>
    [
        .. FieldRules.Namespace($"{field}.name", item.Name),
        .. FieldRules.Labels($"{field}.labels", item.Labels),
    ];

    private static IEnumerable<FieldProblem> Check(string field, LocalEndpoint endpoint) =>
    [
        .. FieldRules.Subdomain($"{field}.name", endpoint.Name),
        .. FieldRules.Namespace($"{field}.namespace", endpoint.Namespace),
        .. endpoint.Uid.Length == 0 ? new[] { new FieldProblem($"{field}.uid", "\"\" is no identity; use the pod's UID") } : [],
        .. Ipv4Notation.IsPodAddress(endpoint.Ip)
            ? []
            : new[] { new FieldProblem($"{field}.ip", $"{endpoint.Ip} cannot be a pod's address; use the pod's own unicast address") },
        .. FieldRules.Labels($"{field}.labels", endpoint.Labels),
    ];
}
