using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Api;

/// <summary>What the agent of one node is to do.</summary>
public sealed record NodeCacheConfigSpec
{
    /// <summary>The most <see cref="Policies"/>.</summary>
    public const int MaximumPolicies = 100;

    /// <summary>The shortest and the longest <see cref="Lease"/>.</summary>
    public static Bounds<TimeSpan> LeaseBounds { get; } = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));

    /// <summary>The <see cref="Lease"/> where nobody asks for another; docs/performance.md draws the curve that it is chosen from.</summary>
    public static TimeSpan DefaultLease { get; } = TimeSpan.FromSeconds(5);

    /// <summary>The shortest and the longest <see cref="Settle"/>.</summary>
    public static Bounds<TimeSpan> SettleBounds { get; } = new(TimeSpan.Zero, TimeSpan.FromSeconds(60));

    /// <summary>How many entries each cache holds.</summary>
    public CacheSizes CacheSizes { get; init; } = new();

    /// <summary>The longest a cached verdict lives without the CNI having seen a packet of the flow.</summary>
    [Pattern(FieldPatterns.Duration)]
    [ValidationRule(RuleText.Lease, Message = RuleText.LeaseMessage)]
    public TimeSpan Lease { get; init; } = DefaultLease;

    /// <summary>How long learning is held after a change that can alter a verdict.</summary>
    [Pattern(FieldPatterns.Duration)]
    [ValidationRule(RuleText.Settle, Message = RuleText.SettleMessage)]
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>What stays on the CNI's path whatever the policies say.</summary>
    public Exclusions Exclusions { get; init; } = new();

    /// <summary>Highest priority first; the first policy that matches an endpoint decides.</summary>
    [Items(maxItems: MaximumPolicies)]
    [ListType(ListType.Atomic)]
    public IReadOnlyList<CachePolicy> Policies { get; init; } = [];

    /// <summary>The last change of pods elsewhere that this node's agent has to act on; absent while there was none.</summary>
    public PeerSignal? PeerSignal { get; init; }
}
