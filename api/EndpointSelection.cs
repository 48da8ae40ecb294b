namespace OnCache.Api;

/// <summary>Decides what happens with an endpoint. A pure function of its arguments.</summary>
public static class EndpointSelection
{
    /// <summary>The treatment of <paramref name="endpoint"/>.</summary>
    /// <param name="spec">The node's configuration.</param>
    /// <param name="namespaces">The namespaces known so far, by name.</param>
    /// <param name="endpoint">A pod of this node.</param>
    /// <returns>What to do and why. On any doubt the answer is <see cref="AccelerationMode.Disabled"/>.</returns>
    public static EndpointTreatment Select(
        NodeCacheConfigSpec spec,
        IReadOnlyDictionary<string, LocalNamespace> namespaces,
        LocalEndpoint endpoint)
    {
        if (endpoint.HostNetwork)
        {
            return Disabled(SelectionCause.HostNetwork, "uses the node's own network");
        }

        if (spec.Exclusions.Namespaces.Contains(endpoint.Namespace, StringComparer.Ordinal))
        {
            return Disabled(SelectionCause.NamespaceExcluded, $"namespace {endpoint.Namespace} is excluded");
        }

        if (spec.Exclusions.PodSelectors.Any(selector => selector.Matches(endpoint.Labels)))
        {
            return Disabled(SelectionCause.PodExcluded, "its labels are excluded");
        }

        if (endpoint.Annotations.TryGetValue(ApiGroup.AccelerateAnnotation, out var wish)
            && !string.Equals(wish, "true", StringComparison.Ordinal))
        {
            // Anything but "true" is read as the wish to stay out: a mistyped opt-out must not be ignored.
            return Disabled(SelectionCause.OptedOut, $"annotation {ApiGroup.AccelerateAnnotation} is \"{wish}\"");
        }

        if (!namespaces.TryGetValue(endpoint.Namespace, out var home))
        {
            return Disabled(SelectionCause.NamespaceUnknown, $"namespace {endpoint.Namespace} is not known");
        }

        foreach (var policy in spec.Policies)
        {
            if (policy.Namespaces.Covers(home) && policy.PodSelector?.Matches(endpoint.Labels) != false)
            {
                return policy.Mode == AccelerationMode.Disabled
                    ? Disabled(SelectionCause.PolicyMatched, $"policy {policy.Name} disables it") with { PolicyName = policy.Name }
                    : new EndpointTreatment(
                        policy.Mode,
                        policy.Protocols,
                        policy.Name,
                        SelectionCause.PolicyMatched,
                        $"policy {policy.Name}")
                    {
                        HostRules = policy.HostRules,
                    };
            }
        }

        return Disabled(SelectionCause.NoPolicy, "no policy matches");
    }

    private static EndpointTreatment Disabled(SelectionCause cause, string reason) =>
        new(AccelerationMode.Disabled, Protocols.None, PolicyName: null, cause, reason);
}
