using System.Runtime.InteropServices;
using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd.Fixture;

/// <summary>A node's way to another, as the egress cache has it: what the next packet uses.</summary>
/// <param name="NextHop">Destination MAC of the outer frame.</param>
/// <param name="Mtu">Largest inner packet, bytes.</param>
internal sealed record PinnedPath(MacAddress NextHop, int Mtu)
{
    public static PinnedPath? Between(LabNode node, LabNode peer)
    {
        var pins = PinDirectory.At(node.BpfRoot);
        using var index = PinnedMaps.TryOpen(pins, MapNames.NodeIndex)!;
        using var cache = PinnedMaps.TryOpen(pins, MapNames.EgressCache)!;
        var address = SlotIndex.ToNetwork(Ipv4Address.From(peer.Address));
        if (!new BpfMap<uint, uint>(MapNames.NodeIndex, index.Value).TryGet(address, out var slot)
            || !new BpfMap<uint, EgressEntry>(MapNames.EgressCache, cache.Value).TryGet(slot, out var entry)
            || entry.IfIndex == 0)
        {
            return null;
        }

        return new PinnedPath(MacAddress.Read(MemoryMarshal.AsBytes(new ReadOnlySpan<HeaderBytes>(in entry.Header))), entry.Mtu);
    }
}
