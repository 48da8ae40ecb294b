using System.Runtime.InteropServices;
using OnCache.Agent.Bpf;
using OnCache.Agent.Net;

namespace OnCache.Agent.Datapath;

/// <summary>A remote node as the datapath shall know it: how a packet to its pods looks on the wire.</summary>
/// <param name="IfIndex">The NIC by which it is reached.</param>
/// <param name="Mtu">Largest inner IPv4 packet, bytes.</param>
/// <param name="TunnelAddress">The node's own address inside the tunnel: what goes there is for no pod. 0.0.0.0 when it has none.</param>
internal sealed record NodeSpec(Ipv4Address Address, int IfIndex, int Mtu, HeaderTemplate Template, Ipv4Address TunnelAddress = default);

/// <summary>
/// The egress cache. A template is never changed under a running program: the slot is withdrawn, running programs are
/// awaited, then it is written.
/// </summary>
internal sealed class NodeTable(DatapathMaps maps, Action waitForRunningPrograms)
{
    private readonly SlotIndex _index = new(maps.NodeIndex, maps.Sizes.Egress);
    private readonly Dictionary<Ipv4Address, NodeSpec> _specs = [];

    public IReadOnlyDictionary<Ipv4Address, NodeSpec> Specs => _specs;

    /// <summary>Makes the table hold exactly <paramref name="desired"/>; returns the nodes for which the egress cache has no entry left.</summary>
    public IReadOnlyList<Ipv4Address> Apply(IReadOnlyCollection<NodeSpec> desired)
    {
        var wanted = desired.ToDictionary(spec => spec.Address);
        var withdrawn = false;
        foreach (var address in _index.Slots.Keys.ToList())
        {
            var target = wanted.GetValueOrDefault(address);
            if (target is not null && _specs.GetValueOrDefault(address) == target)
            {
                continue;
            }

            ref var entry = ref maps.EgressCache[_index.Slots[address]];
            if (target is not null && !_specs.ContainsKey(address) && Holds(entry, target))
            {
                // An earlier agent's, and still right: packets go on while agents change.
                _specs.Add(address, target);
                continue;
            }

            withdrawn |= entry.IfIndex != 0;
            Volatile.Write(ref entry.IfIndex, 0);
            _specs.Remove(address);
            if (target is null)
            {
                // Another node may get this slot: whatever was learned for the old one must not reach it.
                Interlocked.Increment(ref entry.Epoch);
                _index.Release(address);
            }
        }

        if (withdrawn)
        {
            waitForRunningPrograms();
        }

        var noRoom = new List<Ipv4Address>();
        foreach (var target in desired)
        {
            if (_specs.ContainsKey(target.Address))
            {
                continue;
            }

            if (_index.Allocate(target.Address) is not { } slot)
            {
                noRoom.Add(target.Address);
                continue;
            }

            Write(ref maps.EgressCache[slot], target);
            _specs[target.Address] = target;
        }

        return noRoom;
    }

    private static bool Holds(EgressEntry entry, NodeSpec spec)
    {
        var written = new EgressEntry { Epoch = entry.Epoch };
        Write(ref written, spec);
        return MemoryMarshal.AsBytes(new ReadOnlySpan<EgressEntry>(in entry)).SequenceEqual(MemoryMarshal.AsBytes(new ReadOnlySpan<EgressEntry>(in written)));
    }

    private static void Write(ref EgressEntry entry, NodeSpec spec)
    {
        entry.NodeIp = SlotIndex.ToNetwork(spec.Address);
        entry.Mtu = (ushort)Math.Clamp(spec.Mtu, 0, ushort.MaxValue);
        entry.Tos = spec.Template.Tos;
        entry.TunnelIp = SlotIndex.ToNetwork(spec.TunnelAddress);
        entry.Checksum = spec.Template.Checksum;
        spec.Template.Bytes.AsSpan().CopyTo(MemoryMarshal.CreateSpan(ref entry.Header[0], Layout.HeaderMax));
        Volatile.Write(ref entry.IfIndex, (uint)spec.IfIndex);
    }
}
