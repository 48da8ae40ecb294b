using System.Buffers.Binary;
using OnCache.Agent.Bpf;
using OnCache.Agent.Net;

namespace OnCache.Agent.Datapath;

/// <summary>
/// Which address has which index of an array map. Kept in the kernel's index map too, where learning finds it and from
/// where an agent that starts over reads it back.
/// </summary>
internal sealed class SlotIndex
{
    private readonly BpfMap<uint, uint> _map;
    private readonly Dictionary<Ipv4Address, uint> _slots = [];
    private readonly SortedSet<uint> _free = [];

    /// <param name="capacity">Usable indexes, 1 to capacity.</param>
    public SlotIndex(BpfMap<uint, uint> map, int capacity)
    {
        _map = map;
        for (uint slot = 1; slot <= capacity; slot++)
        {
            _free.Add(slot);
        }

        foreach (var key in map.Keys())
        {
            if (map.TryGet(key, out var slot) && _free.Remove(slot))
            {
                _slots.Add(FromNetwork(key), slot);
            }
        }
    }

    public IReadOnlyDictionary<Ipv4Address, uint> Slots => _slots;

    /// <summary>The address as it stands in a packet, read as a native integer.</summary>
    public static uint ToNetwork(Ipv4Address address) =>
        BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(address.Value) : address.Value;

    public static Ipv4Address FromNetwork(uint key) =>
        new(BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(key) : key);

    /// <summary>Null when every index is taken.</summary>
    public uint? Allocate(Ipv4Address address)
    {
        if (_slots.TryGetValue(address, out var slot))
        {
            return slot;
        }

        if (_free.Count == 0)
        {
            return null;
        }

        slot = _free.Min;
        _map.Set(ToNetwork(address), slot);
        _free.Remove(slot);
        _slots.Add(address, slot);
        return slot;
    }

    public void Release(Ipv4Address address)
    {
        if (_slots.TryGetValue(address, out var slot))
        {
            _map.Remove(ToNetwork(address));
            _slots.Remove(address);
            _free.Add(slot);
        }
    }
}
