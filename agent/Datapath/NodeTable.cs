using System.Diagnostics;
using System.Runtime.InteropServices;
using OnCache.Agent.Bpf;
using OnCache.Agent.Net;

namespace OnCache.Agent.Datapath;

/// <summary>A remote node as the datapath shall know it: how a packet to its pods looks on the wire.</summary>
/// <param name="IfIndex">The NIC by which it is reached.</param>
/// <param name="Mtu">Largest inner IPv4 packet, bytes.</param>
/// <param name="TunnelAddress">The node's own address inside the tunnel: what goes there is for no pod. 0.0.0.0 when it has none.</param>
internal sealed record NodeSpec(Ipv4Address Address, int IfIndex, int Mtu, HeaderTemplate Template, Ipv4Address TunnelAddress = default)
{
    /// <summary>The same node inside the tunnel: what was learned for the one is sent rightly to the other.</summary>
    public bool IsSameNode(NodeSpec other) =>
        Address == other.Address && TunnelAddress == other.TunnelAddress && Template.InnerDestination.SequenceEqual(other.Template.InnerDestination);
}

/// <summary>What <see cref="NodeTable.Apply"/> did.</summary>
/// <param name="Changed">Nodes that were added, withdrawn or rewritten.</param>
/// <param name="NoRoom">Nodes for which the egress cache has no entry left.</param>
/// <param name="WithdrawnAt">When the last old template became unusable, as a Stopwatch timestamp.</param>
internal sealed record NodeChanges(IReadOnlyList<Ipv4Address> Changed, IReadOnlyList<Ipv4Address> NoRoom, long WithdrawnAt);

/// <summary>
/// The egress cache. A template is never changed under a running program: the slot is withdrawn, running programs are
/// awaited, then it is written.
/// </summary>
internal sealed class NodeTable(DatapathMaps maps, Action waitForRunningPrograms)
{
    private readonly SlotIndex _index = new(maps.NodeIndex, maps.Sizes.Egress);
    private readonly Dictionary<Ipv4Address, NodeSpec> _specs = [];

    public IReadOnlyDictionary<Ipv4Address, NodeSpec> Specs => _specs;

    /// <summary>Voids the verdicts of all flows with pods of this node.</summary>
    public void Flush(Ipv4Address address)
    {
        if (_index.Slots.TryGetValue(address, out var slot))
        {
            Interlocked.Increment(ref maps.EgressCache[slot].Epoch);
        }
    }

    /// <summary>Makes the table hold exactly <paramref name="desired"/>.</summary>
    public NodeChanges Apply(IReadOnlyCollection<NodeSpec> desired)
    {
        var wanted = desired.ToDictionary(spec => spec.Address);
        var withdrawn = false;
        var changed = new HashSet<Ipv4Address>();
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
            maps.BetweenStores();
            changed.Add(address);
            if (target is null || _specs.GetValueOrDefault(address)?.IsSameNode(target) != true)
            {
                // Another node may get this slot, or this one is another now: whatever was learned for the old one must not reach it.
                Interlocked.Increment(ref entry.Epoch);
            }

            _specs.Remove(address);
            if (target is null)
            {
                _index.Release(address);
            }
        }

        var withdrawnAt = Stopwatch.GetTimestamp();

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
            changed.Add(target.Address);
        }

        return new NodeChanges([.. changed], noRoom, withdrawnAt);
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
