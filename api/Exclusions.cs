namespace OnCache.Api;

/// <summary>What is never accelerated. Exclusions win over every policy.</summary>
public sealed record Exclusions
{
    /// <summary>The most entries <see cref="Cidrs"/> and <see cref="Ports"/> accept each.</summary>
    public const int MaximumEntries = 1000;

    /// <summary>Peers, by address, that local pods reach over the CNI's path only.</summary>
    public IReadOnlyList<Ipv4Cidr> Cidrs { get; init; } = [];

    /// <summary>Ports, at either end of a flow, that stay on the CNI's path.</summary>
    public IReadOnlyList<PortExclusion> Ports { get; init; } = [];

    /// <summary>Namespaces, by name, whose pods are never accelerated.</summary>
    public IReadOnlyList<string> Namespaces { get; init; } = [];

    /// <summary>Pods, by label, that are never accelerated; absent excludes none, the empty selector excludes all (as in Kubernetes).</summary>
    public LabelSelector? PodSelector { get; init; }
}

/// <summary>A port of one transport protocol.</summary>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="Port">1 to 65535.</param>
public readonly record struct PortExclusion(TransportProtocol Protocol, int Port)
{
    /// <summary>What <see cref="Port"/> accepts.</summary>
    public static Bounds<int> PortBounds { get; } = new(1, 65_535);
}
