using System.Collections.Immutable;

namespace OnCache.Agent.Net;

/// <summary>Reads a whole snapshot.</summary>
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
            Neighbours = requests.Neighbours().GroupBy(static neighbour => neighbour.IfIndex)
                .ToImmutableDictionary(static group => group.Key, static group => ByKey(group, static entry => entry.Address)),
            Fdb = requests.Fdb().GroupBy(static entry => entry.IfIndex)
                .ToImmutableDictionary(static group => group.Key, static group => ByKey(group, static entry => entry.Key)),
            Qdiscs = qdiscs,
            Filters = qdiscs
                .Select(device => KeyValuePair.Create(device.Key, requests.Filters(device.Key, device.Value).ToImmutableArray()))
                .Where(static device => !device.Value.IsEmpty)
                .ToImmutableDictionary(),
            XfrmPolicies = [.. requests.XfrmPolicies()],
        };
    }

    /// <summary>Routes by their table.</summary>
    public static ImmutableDictionary<uint, RouteTable> Tables(IEnumerable<Ipv4Route> routes) =>
        routes.GroupBy(static route => route.Table).ToImmutableDictionary(static group => group.Key, RouteTable.Create);

    private static ImmutableDictionary<int, ImmutableArray<T>> ByDevice<T>(IEnumerable<T> entries, Func<T, int> device) =>
        entries.GroupBy(device).ToImmutableDictionary(static group => group.Key, static group => group.ToImmutableArray());

    // A list read while it changes may name an entry twice; the later one is the newer.
    private static ImmutableDictionary<TKey, T> ByKey<TKey, T>(IEnumerable<T> entries, Func<T, TKey> key)
        where TKey : notnull
    {
        var builder = ImmutableDictionary.CreateBuilder<TKey, T>();
        foreach (var entry in entries)
        {
            builder[key(entry)] = entry;
        }

        return builder.ToImmutable();
    }
}
