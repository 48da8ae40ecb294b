using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Api;

/// <summary>
/// That pods elsewhere in the cluster changed so that NetworkPolicies no longer name their addresses: what the node cached under these
/// policies may be out of date. Written by the operator, which sees all pods; an agent sees its own node's.
/// </summary>
/// <remarks>
/// The agent flushes the endpoints that the named policies select. It flushes all endpoints that any policy selects when <see cref="All"/> is
/// set, when a policy is named that it does not know, and when <see cref="Revision"/> is anything but one more than the last it acted on. The
/// first revision it ever sees needs nothing, as an agent that starts holds nothing to be valid.
/// </remarks>
public sealed record PeerSignal
{
    /// <summary>The most <see cref="NetworkPolicies"/>; where more are concerned, <see cref="All"/> is set instead.</summary>
    public const int MaximumPolicies = 32;

    /// <summary>Counts the signals to this node, one by one; absent before the first counts as 0.</summary>
    public long Revision { get; init; }

    /// <summary>The policies, as namespace/name.</summary>
    [Items(maxItems: MaximumPolicies)]
    [ListType(ListType.Atomic)]
    [Length(1, 317, OnItems = true)]
    public IReadOnlyList<string> NetworkPolicies { get; init; } = [];

    /// <summary>Whether any policy may be concerned; the list is empty then.</summary>
    public bool All { get; init; }
}
