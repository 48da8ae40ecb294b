using System.Collections.Immutable;

namespace OnCache.Agent.Net;

/// <summary>Reads a whole snapshot.</summary>
/// <remarks>
/// Plain loops rather than queries: this runs once, at the agent's start, where every generic method over a struct must first be compiled,
/// and queries bring many.
/// </remarks>
internal static class NetworkSnapshotReader
{
    /// <summary>Reads the calling thread's network namespace.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static NetworkSnapshot Read()
    {
        using var requests = NetworkRequests.Open();
        return Read(requests);
    }

    /// <summary>Reads the network namespace of <paramref name="requests"/>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static NetworkSnapshot Read(NetworkRequests requests)
    {
        var qdiscs = ByDevice(requests.Qdiscs(), static qdisc => qdisc.IfIndex);
        return new NetworkSnapshot
        {
            Links = ByKey(requests.Links(), static link => link.IfIndex),
            Addresses = ByDevice(requests.Addresses(), static address => address.IfIndex),
            RouteTables = Tables(requests.Routes()),
            Rules = [.. requests.Rules()],
            Neighbours = ByDeviceAndKey(
                requests.Neighbours(), static neighbour => neighbour.IfIndex, static neighbour => neighbour.Address),
            Fdb = ByDeviceAndKey(requests.Fdb(), static entry => entry.IfIndex, static entry => entry.Key),
            Qdiscs = qdiscs,
            Filters = Filters(requests, qdiscs),
            Settings = ByKey(requests.Settings(), static settings => settings.IfIndex),
            XfrmPolicies = [.. requests.XfrmPolicies()],
        };
    }

    /// <summary>Routes by their table.</summary>
    public static ImmutableDictionary<uint, RouteTable> Tables(IEnumerable<Ipv4Route> routes)
    {
        var tables = ImmutableDictionary.CreateBuilder<uint, RouteTable>();
        foreach (var (table, entries) in Groups(routes, static route => route.Table))
        {
            tables[table] = RouteTable.Create(entries);
        }

        return tables.ToImmutable();
    }

    private static ImmutableDictionary<int, ImmutableArray<TcFilter>> Filters(
        NetworkRequests requests, ImmutableDictionary<int, ImmutableArray<Qdisc>> qdiscs)
    {
        var filters = ImmutableDictionary.CreateBuilder<int, ImmutableArray<TcFilter>>();
        foreach (var (ifIndex, hooks) in qdiscs)
        {
            if (requests.Filters(ifIndex, hooks) is { Count: > 0 } found)
            {
                filters[ifIndex] = [.. found];
            }
        }

        return filters.ToImmutable();
    }

    private static ImmutableDictionary<int, ImmutableArray<T>> ByDevice<T>(List<T> entries, Func<T, int> device)
    {
        var devices = ImmutableDictionary.CreateBuilder<int, ImmutableArray<T>>();
        foreach (var (ifIndex, group) in Groups(entries, device))
        {
            devices[ifIndex] = [.. group];
        }

        return devices.ToImmutable();
    }

    private static ImmutableDictionary<int, ImmutableDictionary<TKey, T>> ByDeviceAndKey<TKey, T>(
        List<T> entries, Func<T, int> device, Func<T, TKey> key)
        where TKey : notnull
    {
        var devices = ImmutableDictionary.CreateBuilder<int, ImmutableDictionary<TKey, T>>();
        foreach (var (ifIndex, group) in Groups(entries, device))
        {
            devices[ifIndex] = ByKey(group, key);
        }

        return devices.ToImmutable();
    }

    // A list read while it changes may name an entry twice; the later one is the newer.
    private static ImmutableDictionary<TKey, T> ByKey<TKey, T>(List<T> entries, Func<T, TKey> key)
        where TKey : notnull
    {
        var builder = ImmutableDictionary.CreateBuilder<TKey, T>();
        foreach (var entry in entries)
        {
            builder[key(entry)] = entry;
        }

        return builder.ToImmutable();
    }

    private static Dictionary<TKey, List<T>> Groups<TKey, T>(IEnumerable<T> entries, Func<T, TKey> key)
        where TKey : notnull
    {
        var groups = new Dictionary<TKey, List<T>>();
        foreach (var entry in entries)
        {
            var of = key(entry);
            if (!groups.TryGetValue(of, out var group))
            {
                groups[of] = group = [];
            }

            group.Add(entry);
        }

        return groups;
    }
}
