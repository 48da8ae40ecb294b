using System.Numerics;
using OnCache.Agent.Bpf;

namespace OnCache.Agent.Datapath;

/// <summary>
/// What the maps of given sizes cost the kernel, before they are made. The kernel's own account of a map is the memlock of its fdinfo
/// (<see cref="BpfMapMemory"/>); a test compares the two.
/// </summary>
internal static unsafe class CacheMemory
{
    // kernel/bpf/hashtab.c: struct htab_elem, and a bucket; as many buckets as a power of two has room for all entries.
    private const int HashElement = 48;
    private const int HashBucket = 16;

    /// <summary>Bytes of the filter cache, which is made whole.</summary>
    public static long OfFilter(int flows) =>
        ((long)flows * (HashElement + sizeof(FlowKey) + sizeof(FilterEntry))) + ((long)BitOperations.RoundUpToPowerOf2((uint)flows) * HashBucket);

    /// <summary>Bytes of the egress cache.</summary>
    public static long OfEgress(int nodes) => (nodes + 1L) * sizeof(EgressEntry);

    /// <summary>Bytes of the ingress cache, its counters and shares.</summary>
    public static long OfIngress(int pods, int cpus) => (pods + 1L) * (sizeof(IngressEntry) + sizeof(Held) + ((long)sizeof(EndpointCounters) * cpus));

    /// <summary>Bytes of all that these sizes decide.</summary>
    public static long Of(DatapathSizes sizes) => OfFilter(sizes.Filter) + OfEgress(sizes.Egress) + OfIngress(sizes.Ingress, DatapathSizes.Cpus);
}
