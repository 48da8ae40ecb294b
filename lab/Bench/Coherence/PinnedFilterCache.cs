using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using OnCache.Lab.Interop;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Bench.Coherence;

/// <summary>A node's filter cache, to be filled with copies of verdicts that real traffic was given.</summary>
internal sealed unsafe class PinnedFilterCache : IDisposable
{
    // struct oncache_flow_key: both addresses, both ports, protocol, padding. An entry begins with its two leases.
    private const int KeyBytes = 16;
    private const int EntryBytes = 48;
    private const byte Udp = 17;
    private const int PortsOfOneKind = 50_000;
    private const int Batch = 16_384;
    private readonly int map;

    private PinnedFilterCache(int map) => this.map = map;

    /// <exception cref="LabException">The agent has no such map.</exception>
    public static PinnedFilterCache Open(LabNode node)
    {
        var path = Directory.EnumerateFiles(node.BpfRoot, "filter_cache", SearchOption.AllDirectories)
            .FirstOrDefault(static file => file.EndsWith("/maps/filter_cache", StringComparison.Ordinal))
            ?? throw new LabException($"{node.BpfRoot}: no pinned filter cache: is the agent of {node.Name} running?");
        var opened = Libbpf.bpf_obj_get(path);
        return opened >= 0 ? new PinnedFilterCache(opened) : throw new LabException($"{path}: {Marshal.GetPInvokeErrorMessage(-opened)}");
    }

    /// <summary>The verdict of a UDP flow; null while there is none for both directions.</summary>
    public byte[]? Verdict(IPEndPoint local, IPEndPoint remote)
    {
        Span<byte> key = stackalloc byte[KeyBytes];
        WriteKey(key, local, remote.Address, remote.Port);
        var entry = new byte[EntryBytes];
        fixed (byte* keys = key, values = entry)
        {
            if (Libbpf.bpf_map_lookup_elem(map, keys, values) != 0)
            {
                return null;
            }
        }

        var (egress, ingress) = (BitConverter.ToUInt64(entry, 0), BitConverter.ToUInt64(entry, sizeof(ulong)));
        return egress != 0 && ingress != 0 ? entry : null;
    }

    /// <summary>Gives so many further flows of a pod the same verdict.</summary>
    /// <param name="verdict">Of a flow between <paramref name="local"/> and <paramref name="remote"/>.</param>
    public void Copy(byte[] verdict, IPAddress local, IPAddress remote, int flows)
    {
        var keys = new byte[Batch * KeyBytes];
        var values = new byte[Batch * EntryBytes];
        for (var i = 0; i < Batch; i++)
        {
            verdict.CopyTo(values, i * EntryBytes);
        }

        for (var first = 0; first < flows; first += Batch)
        {
            var count = (uint)Math.Min(Batch, flows - first);
            for (var i = 0; i < count; i++)
            {
                // Ports below 1024 are nobody's here, so the flows are not those that are measured.
                var flow = first + i;
                WriteKey(keys.AsSpan(i * KeyBytes, KeyBytes), new IPEndPoint(local, 1024 + (flow % PortsOfOneKind)), remote, 1 + (flow / PortsOfOneKind));
            }

            fixed (byte* key = keys, value = values)
            {
                var wanted = count;
                var result = Libbpf.bpf_map_update_batch(map, key, value, &wanted, null);
                if (result != 0)
                {
                    throw new LabException($"filter cache: {wanted} of {count} entries written: {Marshal.GetPInvokeErrorMessage(-result)}");
                }
            }
        }
    }

    public void Dispose() => _ = Libc.close(map);

    private static void WriteKey(Span<byte> key, IPEndPoint local, IPAddress remote, int remotePort)
    {
        key.Clear();
        local.Address.TryWriteBytes(key, out _);
        remote.TryWriteBytes(key[4..], out _);
        BinaryPrimitives.WriteUInt16BigEndian(key[8..], (ushort)local.Port);
        BinaryPrimitives.WriteUInt16BigEndian(key[10..], (ushort)remotePort);
        key[12] = Udp;
    }
}
