using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Api;

/// <summary>What one policy keeps off the fast path.</summary>
/// <remarks>Ranges are text here: what the schema cannot judge is refused with a reason, by the webhook or in the status.</remarks>
public sealed record PolicyExclusions
{
    /// <summary>The most entries <see cref="Cidrs"/>, <see cref="Ports"/> and <see cref="Namespaces"/> accept each.</summary>
    public const int MaximumEntries = 250;

    /// <summary>Peers, as IPv4 ranges, that pods reach over the CNI's path only.</summary>
    [Items(maxItems: MaximumEntries)]
    [ListType(ListType.Set)]
    [Pattern(FieldPatterns.Cidr, OnItems = true)]
    [Length(9, 18, OnItems = true)]
    public IReadOnlyList<string> Cidrs { get; init; } = [];

    /// <summary>Ports, at either end of a flow, that stay on the CNI's path.</summary>
    [Items(maxItems: MaximumEntries)]
    [ListType(ListType.Map, "protocol", "port")]
    public IReadOnlyList<PortExclusion> Ports { get; init; } = [];

    /// <summary>Namespaces, by name, whose pods are never accelerated.</summary>
    [Items(maxItems: MaximumEntries)]
    [ListType(ListType.Set)]
    [Pattern(FieldPatterns.Namespace, OnItems = true)]
    [Length(1, 63, OnItems = true)]
    public IReadOnlyList<string> Namespaces { get; init; } = [];

    /// <summary>Pods of any namespace, by label, that are never accelerated; absent excludes none, the empty selector excludes all.</summary>
    public LabelSelector? PodSelector { get; init; }
}
