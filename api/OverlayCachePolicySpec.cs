namespace OnCache.Api;

/// <summary>Which pods, on which nodes, may use the cached fast path. Every property has the default of the schema.</summary>
public sealed record OverlayCachePolicySpec
{
    /// <summary>What <see cref="Priority"/> accepts.</summary>
    public static Bounds<int> PriorityBounds { get; } = new(-1_000_000, 1_000_000);

    /// <summary>Higher wins where policies select the same pod; among equals the older, then the name.</summary>
    public int Priority { get; init; }

    /// <summary>The nodes it covers, by label; absent or empty covers all Linux nodes.</summary>
    public LabelSelector? NodeSelector { get; init; }

    /// <summary>The namespaces it covers.</summary>
    public NamespaceSelection Namespaces { get; init; } = new();

    /// <summary>The pods it covers within those namespaces; absent or empty covers all.</summary>
    public LabelSelector? PodSelector { get; init; }

    /// <summary>The protocols it covers.</summary>
    public IReadOnlyList<Protocol> Protocols { get; init; } = [Protocol.Tcp, Protocol.Udp, Protocol.Icmp];

    /// <summary>What happens with the pods it covers.</summary>
    public AccelerationMode Mode { get; init; } = AccelerationMode.Accelerate;

    /// <summary>How many entries each cache of a node holds; where policies differ, the largest.</summary>
    public CacheSizes CacheSizes { get; init; } = new();

    /// <summary>What is never accelerated on the nodes it covers, whatever this or any other policy says.</summary>
    public PolicyExclusions Exclusions { get; init; } = new();

    /// <summary>The longest a cached verdict lives without the CNI having seen a packet of the flow; where policies differ, the shortest.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long learning is held after a change that can alter a verdict; where policies differ, the longest.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(2);
}
