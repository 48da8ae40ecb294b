using System.Collections.Immutable;
using OnCache.Agent.Net;

namespace OnCache.Agent.Topology;

/// <summary>
/// Which remote nodes lose destinations when routes change. A cached flow names the node its packets go to; when a route takes its
/// destination elsewhere, the node itself may be as it was.
/// </summary>
internal static class TunnelRoutes
{
    /// <summary>The nodes to which something was routed that is routed otherwise now. Pure.</summary>
    /// <param name="tunnel">The tunnel device's ifindex.</param>
    public static IReadOnlyCollection<Ipv4Address> NodesLosing(NetworkSnapshot before, NetworkSnapshot after, int tunnel)
    {
        if (ReferenceEquals(before.RouteTables, after.RouteTables))
        {
            return [];
        }

        var lost = new List<Ipv4Route>();
        foreach (var (number, old) in before.RouteTables)
        {
            var present = after.RouteTables.GetValueOrDefault(number, RouteTable.Empty);
            if (!ReferenceEquals(old, present))
            {
                lost.AddRange(old.Routes.Where(route => route.OutIfIndex == tunnel && !SameWay(route, Best(present, route.Destination))));
            }
        }

        foreach (var (number, present) in after.RouteTables)
        {
            var old = before.RouteTables.GetValueOrDefault(number, RouteTable.Empty);
            if (!ReferenceEquals(old, present))
            {
                // A new destination takes its share from the one that held it before, in whichever table. Between tables the order of
                // the routing rules decides, whatever the lengths: there, all that it covers, or that covers it, may be lost.
                var news = present.Routes.Where(route => !SameWay(route, Best(old, route.Destination))).ToList();
                lost.AddRange(news
                    .SelectMany(route => old.Matches(route.Destination.Network)
                        .Where(holders => holders[0].Destination.Length < route.Destination.Length)
                        .Take(1)
                        .Select(static holders => holders[0]))
                    .Where(route => route.OutIfIndex == tunnel));
                lost.AddRange(before.RouteTables.Where(table => table.Key != number)
                    .SelectMany(static table => table.Value.Routes)
                    .Where(route => route.OutIfIndex == tunnel && news.Exists(other => Overlap(route.Destination, other.Destination))));
            }
        }

        return lost.Select(route => NodeBehind(before, tunnel, route.Gateway)).OfType<Ipv4Address>().ToHashSet();
    }

    private static bool Overlap(Ipv4Prefix one, Ipv4Prefix other) => one.Contains(other.Network) || other.Contains(one.Network);

    private static Ipv4Route? Best(RouteTable table, Ipv4Prefix destination) => table.Alternatives(destination) is [var best, ..] ? best : null;

    private static bool SameWay(Ipv4Route route, Ipv4Route? other) =>
        other is not null && route.OutIfIndex == other.OutIfIndex && route.Gateway == other.Gateway && route.Type == other.Type && route.Specialty == other.Specialty;

    // Where gateway or station are not known any more, the node was withdrawn for that reason.
    private static Ipv4Address? NodeBehind(NetworkSnapshot snapshot, int tunnel, Ipv4Address? gateway) =>
        gateway is { } hop && snapshot.Neighbour(tunnel, hop)?.Mac is { } station
            ? snapshot.FdbOf(tunnel).FirstOrDefault(entry => entry.Self && entry.Mac == station)?.RemoteAddress
            : null;
}
