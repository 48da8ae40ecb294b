using System.Buffers.Binary;
using OnCache.Lab.Bench.Kernel;

namespace OnCache.Lab.Bench.Scale;

/// <summary>Made-up flows in the filter cache, spread over made-up remote nodes and pods.</summary>
/// <param name="node">Whose cache.</param>
/// <param name="count">How many flows.</param>
/// <param name="nodes">Remote nodes, the real one first.</param>
/// <param name="pods">Local pods, the real one first.</param>
internal sealed class FlowSet(FrozenNode node, int count, int nodes = 1, int pods = 1)
{
    private const uint FirstPod = 0x0afa_0001;
    private const uint FirstNode = 0xac14_0001;
    private const int Batch = 4096;

    public int Count => count;

    public Flow this[int index] => Flow.Of(PodOf(index) is var pod && pod == 0 ? node.PodAddress : FirstPod + (uint)pod, index);

    /// <summary>The address, in network byte order, of the node that the flow's packets come from.</summary>
    public byte[] RemoteNodeOf(int index)
    {
        var other = NodeOf(index);
        var address = new byte[4];
        if (other == 0)
        {
            node.RemoteNode.AsSpan(DatapathLayout.NodeAddress, 4).CopyTo(address);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(address, FirstNode + (uint)other);
        }

        return address;
    }

    /// <summary>Writes nodes, pods and the flows from <paramref name="first"/> on.</summary>
    public void Write(int first = 0)
    {
        for (var other = 1; other < nodes; other++)
        {
            var value = (byte[])node.RemoteNode.Clone();
            BinaryPrimitives.WriteUInt32BigEndian(value.AsSpan(DatapathLayout.NodeAddress), FirstNode + (uint)other);
            node["egress_cache"].Update(FrozenNode.Index(Slot(node.NodeIndex, other)), value);
        }

        for (var other = 1; other < pods; other++)
        {
            var value = (byte[])node.Endpoint.Clone();
            BinaryPrimitives.WriteUInt32BigEndian(value.AsSpan(DatapathLayout.EndpointAddress), FirstPod + (uint)other);
            node["ingress_cache"].Update(FrozenNode.Index(Slot(node.EndpointIndex, other)), value);
        }

        ForEachBatch(first, static (cache, keys, values) => cache.UpdateBatch(keys, values));
    }

    public void WriteOne(int index)
    {
        var cache = node["filter_cache"];
        Span<byte> key = stackalloc byte[cache.KeySize];
        this[index].WriteKey(key);
        cache.Update(key, EntryOf(index));
    }

    /// <summary>Takes the flows out again.</summary>
    public void Delete() => ForEachBatch(0, static (cache, keys, _) => cache.DeleteAll(keys));

    /// <summary>The slot of a made-up one: those from 1 on, but for the real one's.</summary>
    internal static ushort Slot(ushort real, int other) => (ushort)(other == 0 ? real : other < real ? other : other + 1);

    private int NodeOf(int index) => index % nodes;

    private int PodOf(int index) => index % pods;

    private byte[] EntryOf(int index) => node.EntryOf(Slot(node.EndpointIndex, PodOf(index)), Slot(node.NodeIndex, NodeOf(index)));

    private void ForEachBatch(int first, Action<BpfMapHandle, byte[], byte[]> action)
    {
        var cache = node["filter_cache"];
        for (var start = first; start < count; start += Batch)
        {
            var size = Math.Min(Batch, count - start);
            var (keys, values) = (new byte[size * cache.KeySize], new byte[size * cache.ValueSize]);
            for (var offset = 0; offset < size; offset++)
            {
                this[start + offset].WriteKey(keys.AsSpan(offset * cache.KeySize, cache.KeySize));
                EntryOf(start + offset).CopyTo(values, offset * cache.ValueSize);
            }

            action(cache, keys, values);
        }
    }
}
