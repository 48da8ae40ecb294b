using System.Buffers.Binary;
using System.Diagnostics;
using OnCache.Lab.Bench.Kernel;
using OnCache.Lab.Bench.Running;
using OnCache.Lab.Overlay;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Bench.Scale;

/// <summary>
/// A node whose agent was ended after it had set everything up and one flow was learned: programs and maps are the real ones, and nobody but the
/// benchmark changes them. What is made up (flows, nodes, pods) is made after that flow's entries.
/// </summary>
internal sealed class FrozenNode : IDisposable
{
    private const string Gone = "the scale benchmark needs programs attached by tcx links (Linux 6.6)";

    // More than the control connection of the traffic has: they were the UDP flow's.
    private const int LeastHits = 1000;
    private readonly Dictionary<string, BpfMapHandle> maps = new(StringComparer.Ordinal);
    private readonly byte[] entry;

    private FrozenNode(LabNode node, string folder)
    {
        Node = node;
        foreach (var path in Directory.EnumerateFiles(folder))
        {
            maps.Add(Path.GetFileName(path), BpfMapHandle.OpenPinned(path));
        }

        (Key, entry) = LearnedFlow() ?? throw new LabException("the scale benchmark: no flow was learned");
        Endpoint = this["ingress_cache"].Lookup(Index(BinaryPrimitives.ReadUInt16LittleEndian(entry.AsSpan(DatapathLayout.EntryEndpoint))))!;
        RemoteNode = this["egress_cache"].Lookup(Index(BinaryPrimitives.ReadUInt16LittleEndian(entry.AsSpan(DatapathLayout.EntryNode))))!;
        TakeOver();
    }

    public LabNode Node { get; }

    /// <summary>The learned flow's key, its pod's entry of the ingress cache and its node's entry of the egress cache.</summary>
    public byte[] Key { get; }

    public byte[] Endpoint { get; }

    public byte[] RemoteNode { get; }

    public ushort EndpointIndex => BinaryPrimitives.ReadUInt16LittleEndian(entry.AsSpan(DatapathLayout.EntryEndpoint));

    public ushort NodeIndex => BinaryPrimitives.ReadUInt16LittleEndian(entry.AsSpan(DatapathLayout.EntryNode));

    public uint PodAddress => BinaryPrimitives.ReadUInt32BigEndian(Endpoint.AsSpan(DatapathLayout.EndpointAddress));

    /// <summary>The miss bit, as a mask.</summary>
    public uint Mark => BinaryPrimitives.ReadUInt32LittleEndian(this["config"].Lookup(Index(0)).AsSpan(DatapathLayout.ConfigMark));

    public BpfMapHandle this[string map] => maps.TryGetValue(map, out var found) ? found : throw new LabException($"the agent has pinned no map {map}");

    /// <summary>Has one flow learned, ends the agents and takes over.</summary>
    public static async Task<FrozenNode> FreezeAsync(BenchPath path, CancellationToken cancellationToken)
    {
        // Of the first node, whose agent may begin to learn later than the other.
        async Task<long> HitsAsync() => (await path.Lab.UseOfEachAsync(cancellationToken))[0].Hits;
        var (started, before) = (Stopwatch.GetTimestamp(), await HitsAsync());
        while (await HitsAsync() - before < LeastHits)
        {
            if (Stopwatch.GetElapsedTime(started) > Liveness.Limit)
            {
                throw new LabException($"the scale benchmark: the fast path was not taken within {Liveness.Limit.TotalSeconds} s");
            }

            _ = await ParallelTraffic.RunAsync(
                path.Client.Namespace, new TrafficRequest { Kind = TrafficKind.UdpRequestResponse, To = path.Address, Port = path.Traffic.Port, Seconds = 0.1 }, 1);
        }

        await path.Lab.KillAgentsAsync(cancellationToken);
        var node = path.Lab.Overlay.Nodes[0];
        var folder = Directory.EnumerateDirectories(node.BpfRoot, "v*").Select(version => Path.Combine(version, "maps")).FirstOrDefault(Directory.Exists);
        return new FrozenNode(node, folder ?? throw new LabException(Gone));
    }

    /// <summary>The attached program of this name, of the flow's pod where it is a pod's.</summary>
    /// <exception cref="LabException">It is not attached by a link.</exception>
    public PinnedLink Link(string program) => PinnedLink.Under(Node.BpfRoot).FirstOrDefault(link => link.Program == program) ?? throw new LabException(Gone);

    /// <summary>Valid for hours in both directions.</summary>
    public byte[] EntryOf(ushort endpoint, ushort node)
    {
        const ulong Never = ulong.MaxValue / 2;
        const ulong Second = 1_000_000_000;
        var value = (byte[])entry.Clone();
        BinaryPrimitives.WriteUInt64LittleEndian(value.AsSpan(DatapathLayout.EntryEgressLease), Never);
        BinaryPrimitives.WriteUInt64LittleEndian(value.AsSpan(DatapathLayout.EntryIngressLease), Never);

        // The programs' coarse clock may be behind this one.
        BinaryPrimitives.WriteUInt64LittleEndian(value.AsSpan(DatapathLayout.EntryTouched), (ulong)Stopwatch.GetTimestamp() - Second);
        BinaryPrimitives.WriteUInt16LittleEndian(value.AsSpan(DatapathLayout.EntryEndpoint), endpoint);
        BinaryPrimitives.WriteUInt16LittleEndian(value.AsSpan(DatapathLayout.EntryNode), node);
        return value;
    }

    public static byte[] Index(int index) => BitConverter.GetBytes(index);

    public void Dispose()
    {
        foreach (var map in maps.Values)
        {
            map.Dispose();
        }
    }

    private (byte[] Key, byte[] Value)? LearnedFlow()
    {
        var cache = this["filter_cache"];
        foreach (var key in cache.Keys().Where(key => key[DatapathLayout.KeyProtocol] == FlowPackets.UdpProtocol))
        {
            if (cache.Lookup(key) is { } value
                && BinaryPrimitives.ReadUInt64LittleEndian(value.AsSpan(DatapathLayout.EntryEgressLease)) > 0
                && BinaryPrimitives.ReadUInt64LittleEndian(value.AsSpan(DatapathLayout.EntryIngressLease)) > 0)
            {
                return (key, value);
            }
        }

        return null;
    }

    /// <summary>The programs shall use the caches without an agent's sign of life, and not ask conntrack for flows that it has never seen.</summary>
    private void TakeOver()
    {
        var config = this["config"].Lookup(Index(0))!;
        BinaryPrimitives.WriteUInt64LittleEndian(config.AsSpan(DatapathLayout.ConfigHeartbeatDeadline), ulong.MaxValue);
        BinaryPrimitives.WriteUInt64LittleEndian(config.AsSpan(DatapathLayout.ConfigTouchInterval), ulong.MaxValue / 2);
        this["config"].Update(Index(0), config);
    }
}
