using System.Numerics;

namespace OnCache.Api;

/// <summary>
/// What caches cost the kernel of a node, in bytes, before they are made. The kernel's own account of a map is the memlock of its fdinfo; a test compares
/// the two.
/// </summary>
public static class CacheMemory
{
    // kernel/bpf/hashtab.c: an element of 48 bytes, here with a key of 16 and a value of 48; as many buckets of 16 as a power of two has room for all.
    private const int Flow = 48 + 16 + 48;
    private const int Bucket = 16;
    private const int RemoteNode = 88;

    // The entry, and what it holds of the filter cache.
    private const int Pod = 48 + 64;
    private const int PodAndCpu = 32;

    /// <summary>The filter cache, which is made whole.</summary>
    public static long OfFilter(int flows) => ((long)flows * Flow) + ((long)BitOperations.RoundUpToPowerOf2((uint)flows) * Bucket);

    /// <summary>The egress cache.</summary>
    public static long OfEgress(int nodes) => (nodes + 1L) * RemoteNode;

    /// <summary>The ingress cache, its counters and shares.</summary>
    public static long OfIngress(int pods, int cpus) => (pods + 1L) * (Pod + ((long)PodAndCpu * cpus));

    /// <summary>All three.</summary>
    /// <param name="sizes">Their sizes.</param>
    /// <param name="cpus">CPUs that the node may ever have.</param>
    public static long Of(CacheSizes sizes, int cpus) => OfFilter(sizes.Filter) + OfEgress(sizes.Egress) + OfIngress(sizes.Ingress, cpus);

    /// <summary>The largest that may be asked for.</summary>
    public static long OfLargest(int cpus) => Of(
        new CacheSizes { Filter = CacheSizes.FilterBounds.Maximum, Egress = CacheSizes.EgressBounds.Maximum, Ingress = CacheSizes.IngressBounds.Maximum }, cpus);
}
