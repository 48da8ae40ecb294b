namespace OnCache.Api;

/// <summary>What happens with an endpoint, and why.</summary>
/// <param name="Mode">Accelerate, observe or neither.</param>
/// <param name="Protocols">The protocols it applies to; none when disabled.</param>
/// <param name="PolicyName">The policy that decided, when one did.</param>
/// <param name="Cause">What decided.</param>
/// <param name="Reason">The same for a person to read: a phrase, no full stop.</param>
public sealed record EndpointTreatment(
    AccelerationMode Mode,
    Protocols Protocols,
    string? PolicyName,
    SelectionCause Cause,
    string Reason)
{
    /// <summary>What becomes of its flows that a rule of the node's own must see, as the policy that decided has it; Respect where none did.</summary>
    public HostRules HostRules { get; init; } = HostRules.Respect;
}

/// <summary>What decided an endpoint's treatment, in the order in which it is asked.</summary>
public enum SelectionCause
{
    /// <summary>The pod uses the node's network namespace.</summary>
    HostNetwork,

    /// <summary>Its namespace is excluded.</summary>
    NamespaceExcluded,

    /// <summary>Its labels are excluded.</summary>
    PodExcluded,

    /// <summary>Its annotation opts out.</summary>
    OptedOut,

    /// <summary>Its namespace has not been seen, so no selector over namespaces can be answered.</summary>
    NamespaceUnknown,

    /// <summary>A policy matched.</summary>
    PolicyMatched,

    /// <summary>No policy matched.</summary>
    NoPolicy,
}
