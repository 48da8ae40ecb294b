using System.Collections.Immutable;

namespace OnCache.Agent.Net;

using FdbTable = ImmutableDictionary<FdbKey, FdbEntry>;
using NeighbourTable = ImmutableDictionary<Ipv4Address, Neighbour>;

/// <summary>
/// What one network namespace looked like at one moment. Immutable; tables of a device are found by its ifindex, and a device
/// without entries has no table.
/// </summary>
internal sealed record NetworkSnapshot
{
    public static NetworkSnapshot Empty { get; } = new();

    public ImmutableDictionary<int, Link> Links { get; init; } = ImmutableDictionary<int, Link>.Empty;

    /// <summary>In the kernel's order: the first is the device's primary address.</summary>
    public ImmutableDictionary<int, ImmutableArray<InterfaceAddress>> Addresses { get; init; } =
        ImmutableDictionary<int, ImmutableArray<InterfaceAddress>>.Empty;

    /// <summary>Every routing table by its number.</summary>
    public ImmutableDictionary<uint, RouteTable> RouteTables { get; init; } = ImmutableDictionary<uint, RouteTable>.Empty;

    /// <summary>By ascending priority number, which is the order of evaluation.</summary>
    public ImmutableArray<RoutingRule> Rules { get; init; } = [];

    public ImmutableDictionary<int, NeighbourTable> Neighbours { get; init; } = ImmutableDictionary<int, NeighbourTable>.Empty;

    public ImmutableDictionary<int, FdbTable> Fdb { get; init; } = ImmutableDictionary<int, FdbTable>.Empty;

    public ImmutableDictionary<int, ImmutableArray<Qdisc>> Qdiscs { get; init; } =
        ImmutableDictionary<int, ImmutableArray<Qdisc>>.Empty;

    /// <summary>The filters of devices that have a clsact or ingress qdisc.</summary>
    public ImmutableDictionary<int, ImmutableArray<TcFilter>> Filters { get; init; } =
        ImmutableDictionary<int, ImmutableArray<TcFilter>>.Empty;

    /// <summary>Settings of IPv4, of devices that have any.</summary>
    public ImmutableDictionary<int, DeviceSettings> Settings { get; init; } = ImmutableDictionary<int, DeviceSettings>.Empty;

    /// <summary>In the kernel's order.</summary>
    public ImmutableArray<XfrmPolicy> XfrmPolicies { get; init; } = [];

    /// <summary>Whether packets that the device receives may be sent on. Where nothing is known, the routes decide.</summary>
    public bool Forwards(int ifIndex) => Settings.GetValueOrDefault(ifIndex)?.Forwards != false;

    /// <summary>The device of this name; null when there is none.</summary>
    public Link? LinkByName(string name) => Links.Values.FirstOrDefault(link => string.Equals(link.Name, name, StringComparison.Ordinal));

    /// <summary>The neighbour; null when the kernel has no entry.</summary>
    public Neighbour? Neighbour(int ifIndex, Ipv4Address address) =>
        Neighbours.GetValueOrDefault(ifIndex)?.GetValueOrDefault(address);

    /// <summary>The device's forwarding entries.</summary>
    public IEnumerable<FdbEntry> FdbOf(int ifIndex) => Fdb.GetValueOrDefault(ifIndex, FdbTable.Empty).Values;

    /// <summary>The device's name, or its number when it is gone: for messages.</summary>
    public string NameOf(int ifIndex) => Links.TryGetValue(ifIndex, out var link) ? link.Name : $"ifindex {ifIndex}";
}
