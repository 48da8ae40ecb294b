using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Api;

/// <summary>Which pods, on which nodes, may use the cached fast path.</summary>
public sealed record OverlayCachePolicySpec
{
    /// <summary>What <see cref="Priority"/> accepts.</summary>
    public static Bounds<int> PriorityBounds { get; } = new(-1_000_000, 1_000_000);

    /// <summary>Higher wins where policies select the same pod; among equals the older, then the name.</summary>
    [RangeMinimum(-1_000_000)]
    [RangeMaximum(1_000_000)]
    public int Priority { get; init; }

    /// <summary>The nodes it covers, by label; absent or empty covers all Linux nodes.</summary>
    public LabelSelector? NodeSelector { get; init; }

    /// <summary>The namespaces it covers: the union of names and selector; with neither, all but kube-system.</summary>
    public NamespaceSelection Namespaces { get; init; } = new();

    /// <summary>The pods it covers within those namespaces; absent or empty covers all.</summary>
    public LabelSelector? PodSelector { get; init; }

    /// <summary>The protocols it covers; ICMP means echo request and reply.</summary>
    [Items(1, 3)]
    [ListType(ListType.Set)]
    public IReadOnlyList<Protocol> Protocols { get; init; } = [Protocol.Tcp, Protocol.Udp, Protocol.Icmp];

    /// <summary>What happens with the pods it covers: Accelerate; Observe, which learns and counts what would have been accelerated and redirects nothing; or Disabled.</summary>
    public AccelerationMode Mode { get; init; } = AccelerationMode.Accelerate;

    /// <summary>What becomes of flows that a rule of the node's own must see packet by packet (a limit, quota, log or rewriting of headers; a shaper, filter or program on the tunnel device, the NIC or the pods' bridge): Respect, they stay on the CNI's path; or Ignore, they are accelerated and such rules miss their packets. In either case a shaper or filter on a pod's own veth is obeyed, and so is rewriting that packets show.</summary>
    public HostRules HostRules { get; init; } = HostRules.Respect;

    /// <summary>How many entries each cache of a node holds; where policies differ, the largest.</summary>
    public CacheSizes CacheSizes { get; init; } = new();

    /// <summary>What is never accelerated on the nodes it covers, whatever this or any other policy says.</summary>
    public PolicyExclusions Exclusions { get; init; } = new();

    /// <summary>The longest a cached verdict lives without the CNI having seen a packet of the flow; where policies differ, the shortest.</summary>
    [Pattern(FieldPatterns.Duration)]
    [ValidationRule(RuleText.Lease, Message = RuleText.LeaseMessage)]
    public TimeSpan Lease { get; init; } = NodeCacheConfigSpec.DefaultLease;

    /// <summary>How long learning is held after a change that can alter a verdict; where policies differ, the longest.</summary>
    [Pattern(FieldPatterns.Duration)]
    [ValidationRule(RuleText.Settle, Message = RuleText.SettleMessage)]
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(2);
}
