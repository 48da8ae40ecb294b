using OnCache.Agent.Bpf;
using OnCache.Api;

namespace OnCache.Agent.Datapath;

/// <summary>How many entries each cache holds; index 0 of the egress and ingress cache comes on top.</summary>
internal readonly record struct DatapathSizes(int Filter, int Egress, int Ingress)
{
    public static DatapathSizes Of(CacheSizes sizes) => new(sizes.Filter, sizes.Egress, sizes.Ingress);

    /// <summary>Bytes that these caches cost the kernel.</summary>
    public long Bytes => CacheMemory.Of(new CacheSizes { Filter = Filter, Egress = Egress, Ingress = Ingress }, Cpus);

    /// <summary>
    /// Entries of the filter cache that pods may hold together. The kernel keeps up to 128 free ones aside for each CPU, and evicts when no others are
    /// left.
    /// </summary>
    public int UsableFilter => Filter - Math.Min(128 * Cpus, Filter / 2);

    /// <summary>How many CPUs the machine may ever have.</summary>
    /// <exception cref="BpfException">The kernel does not say.</exception>
    public static int Cpus => BpfException.Check(Interop.Libbpf.libbpf_num_possible_cpus(), "count the possible CPUs");

    /// <summary>Max entries of every map whose size follows from these, or from how many CPUs there are.</summary>
    public IEnumerable<(string Map, uint Entries)> MapEntries()
    {
        yield return (MapNames.FilterCache, (uint)Filter);
        yield return (MapNames.EgressCache, (uint)Egress + 1);
        yield return (MapNames.NodeIndex, (uint)Egress + 1);
        yield return (MapNames.IngressCache, (uint)Ingress + 1);
        yield return (MapNames.EndpointIndex, (uint)Ingress + 1);
        yield return (MapNames.EndpointCounters, (uint)Ingress + 1);
        yield return (MapNames.Held, (uint)Ingress + 1);
        yield return (MapNames.EndedQueues, (uint)Cpus);
        yield return (MapNames.Ended, (uint)(Cpus * Layout.Ended));
    }
}

/// <summary>The maps of <c>bpf/maps.h</c>.</summary>
internal static class MapNames
{
    public const string Config = "config";

    /// <summary>Not pinned: of no account for anyone but its writer.</summary>
    public const string Grace = "grace";
    public const string FilterCache = "filter_cache";
    public const string EgressCache = "egress_cache";
    public const string IngressCache = "ingress_cache";
    public const string NodeIndex = "node_index";
    public const string EndpointIndex = "endpoint_index";
    public const string ExcludedPrefixes = "excluded_prefixes";
    public const string ExcludedPorts = "excluded_ports";
    public const string EndpointCounters = "endpoint_counters";
    public const string Held = "held";
    public const string Reasons = "reasons";
    public const string Witnesses = "witnesses";
    public const string HostRegions = "host_regions";
    public const string EndedQueues = "ended_queues";
    public const string Ended = "ended";
    public const string Reopened = "reopened";
    public const string Begun = "begun";
    public const string Over = "over";
    public const string Sweep = "sweep";

    /// <summary>Pinned and reused as a whole: epochs in one are meaningless beside entries of another.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        Config, FilterCache, EgressCache, IngressCache, NodeIndex, EndpointIndex, ExcludedPrefixes, ExcludedPorts,
        EndpointCounters, Held, Reasons, Witnesses, HostRegions, EndedQueues, Ended, Reopened, Begun, Over, Sweep,
    ];
}

/// <summary>The maps of a loaded datapath, typed.</summary>
internal sealed class DatapathMaps : IDisposable
{
    private readonly IKernelSteps _steps;

    public DatapathMaps(BpfObject obj, DatapathSizes sizes, IKernelSteps steps)
    {
        var cpus = DatapathSizes.Cpus;
        _steps = steps;
        Sizes = sizes;
        Config = new(MapNames.Config, obj.MapFd(MapNames.Config), 1, steps);
        EgressCache = new(MapNames.EgressCache, obj.MapFd(MapNames.EgressCache), sizes.Egress + 1, steps);
        IngressCache = new(MapNames.IngressCache, obj.MapFd(MapNames.IngressCache), sizes.Ingress + 1, steps);
        FilterCache = new(MapNames.FilterCache, obj.MapFd(MapNames.FilterCache));
        NodeIndex = new(MapNames.NodeIndex, obj.MapFd(MapNames.NodeIndex), steps);
        EndpointIndex = new(MapNames.EndpointIndex, obj.MapFd(MapNames.EndpointIndex), steps);
        ExcludedPrefixes = new(MapNames.ExcludedPrefixes, obj.MapFd(MapNames.ExcludedPrefixes), steps);
        ExcludedPorts = new(MapNames.ExcludedPorts, obj.MapFd(MapNames.ExcludedPorts), steps);
        EndpointCounters = new(MapNames.EndpointCounters, obj.MapFd(MapNames.EndpointCounters), cpus);
        Held = new(MapNames.Held, obj.MapFd(MapNames.Held), sizes.Ingress + 1, steps);
        Reasons = new(MapNames.Reasons, obj.MapFd(MapNames.Reasons), cpus);
        Witnesses = new(MapNames.Witnesses, obj.MapFd(MapNames.Witnesses), steps);
        HostRegions = new(MapNames.HostRegions, obj.MapFd(MapNames.HostRegions), Layout.HostRegions, steps);
        EndedQueues = new(MapNames.EndedQueues, obj.MapFd(MapNames.EndedQueues), cpus, steps);
        Ended = new(MapNames.Ended, obj.MapFd(MapNames.Ended), cpus * Layout.Ended, steps);
        Reopened = new(MapNames.Reopened, obj.MapFd(MapNames.Reopened), Layout.Notes, steps);
        Begun = new(MapNames.Begun, obj.MapFd(MapNames.Begun), steps);
        Over = new(MapNames.Over, obj.MapFd(MapNames.Over), steps);
        Sweep = new(MapNames.Sweep, obj.MapFd(MapNames.Sweep));
    }

    public DatapathSizes Sizes { get; }

    public MappedArray<Config> Config { get; }

    public MappedArray<EgressEntry> EgressCache { get; }

    public MappedArray<IngressEntry> IngressCache { get; }

    public BpfMap<FlowKey, FilterEntry> FilterCache { get; }

    /// <summary>Outer address in network order to index of the egress cache.</summary>
    public BpfMap<uint, uint> NodeIndex { get; }

    /// <summary>Pod address in network order to index of the ingress cache.</summary>
    public BpfMap<uint, uint> EndpointIndex { get; }

    public BpfMap<ExcludedPrefix, uint> ExcludedPrefixes { get; }

    public BpfMap<ExcludedPort, uint> ExcludedPorts { get; }

    public PerCpuArray<EndpointCounters> EndpointCounters { get; }

    /// <summary>Entries of the filter cache by slot of the ingress cache; at 0 all of them.</summary>
    public MappedArray<Held> Held { get; }

    public PerCpuArray<ReasonCounters> Reasons { get; }

    /// <summary>Packets as they were when they were handed to the CNI.</summary>
    public BpfMap<uint, Witness> Witnesses { get; }

    /// <summary>What rules of the host keep off the fast path; the configuration has how many are in force.</summary>
    public MappedArray<HostRegion> HostRegions { get; }

    /// <summary>By CPU: how many connections that ended on the fast path are in <see cref="Ended"/>.</summary>
    public MappedArray<EndedQueue> EndedQueues { get; }

    public MappedArray<Ended> Ended { get; }

    /// <summary>By a hash of the key, when the ports of such a connection last began a new life, CLOCK_MONOTONIC.</summary>
    public MappedArray<ulong> Reopened { get; }

    /// <summary>By a hash of the key, when the CNI last let a connection begin. The programs' own.</summary>
    public BpfMap<uint, ulong> Begun { get; }

    /// <summary>By a hash of the key, when a connection that the CNI has not seen begin was over. The programs' own.</summary>
    public BpfMap<uint, ulong> Over { get; }

    public BpfMap<uint, Sweep> Sweep { get; }

    /// <summary>For whoever stores several times through one reference into a mapped map: see <see cref="IKernelSteps.BetweenStores"/>.</summary>
    public void BetweenStores() => _steps.BetweenStores();

    public void Dispose()
    {
        Config.Dispose();
        EgressCache.Dispose();
        IngressCache.Dispose();
        Held.Dispose();
        HostRegions.Dispose();
        EndedQueues.Dispose();
        Ended.Dispose();
        Reopened.Dispose();
    }
}
