using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Api;

/// <summary>Entries per node of each cache.</summary>
public sealed record CacheSizes
{
    /// <summary>What <see cref="Filter"/> accepts.</summary>
    public static Bounds<int> FilterBounds { get; } = new(1024, 4_194_304);

    /// <summary>What <see cref="Egress"/> accepts.</summary>
    public static Bounds<int> EgressBounds { get; } = new(1, 20_000);

    /// <summary>What <see cref="Ingress"/> accepts.</summary>
    public static Bounds<int> IngressBounds { get; } = new(1, 4096);

    /// <summary>
    /// The filter cache, in flows (one entry serves both directions); 128 bytes of kernel memory each, taken at once. One pod gets half of it at most.
    /// </summary>
    [RangeMinimum(1024)]
    [RangeMaximum(4_194_304)]
    public int Filter { get; init; } = 65_536;

    /// <summary>The egress cache, in remote nodes; 88 bytes each.</summary>
    [RangeMinimum(1)]
    [RangeMaximum(20_000)]
    public int Egress { get; init; } = 5000;

    /// <summary>The ingress cache, in local pods; 112 bytes each, and 32 for each CPU.</summary>
    [RangeMinimum(1)]
    [RangeMaximum(4096)]
    public int Ingress { get; init; } = 256;
}
