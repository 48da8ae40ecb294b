using System.Collections.Immutable;
using System.Numerics;

namespace OnCache.Agent.Net;

/// <summary>One routing table; immutable. A lookup costs one probe for each prefix length that is in use.</summary>
internal sealed class RouteTable
{
    private readonly ImmutableDictionary<Ipv4Prefix, ImmutableArray<Ipv4Route>> _routes;

    // Bit n: some destination has n bits. A removal leaves the bit, which costs a probe and no more.
    private readonly ulong _lengths;

    private RouteTable(ImmutableDictionary<Ipv4Prefix, ImmutableArray<Ipv4Route>> routes, ulong lengths)
    {
        _routes = routes;
        _lengths = lengths;
    }

    public static RouteTable Empty { get; } = new(ImmutableDictionary<Ipv4Prefix, ImmutableArray<Ipv4Route>>.Empty, 0);

    public bool IsEmpty => _routes.IsEmpty;

    /// <summary>All routes, in no order.</summary>
    public IEnumerable<Ipv4Route> Routes => _routes.Values.SelectMany(static alternatives => alternatives);

    /// <summary>Makes a table; routes of one destination keep the order they come in, the kernel's.</summary>
    public static RouteTable Create(IEnumerable<Ipv4Route> routes)
    {
        var lengths = 0UL;
        var builder = ImmutableDictionary.CreateBuilder<Ipv4Prefix, ImmutableArray<Ipv4Route>>();
        foreach (var route in routes)
        {
            var alternatives = builder.TryGetValue(route.Destination, out var present) ? present : [];
            builder[route.Destination] = Ordered(alternatives.Add(route));
            lengths |= 1UL << route.Destination.Length;
        }

        return new RouteTable(builder.ToImmutable(), lengths);
    }

    /// <summary>The routes to exactly this destination, best first.</summary>
    public ImmutableArray<Ipv4Route> Alternatives(Ipv4Prefix destination) => _routes.GetValueOrDefault(destination, []);

    /// <summary>The destinations that hold the address, longest first, each with its routes, best first.</summary>
    public IEnumerable<ImmutableArray<Ipv4Route>> Matches(Ipv4Address address)
    {
        for (var lengths = _lengths; lengths != 0;)
        {
            var length = BitOperations.Log2(lengths);
            lengths &= ~(1UL << length);
            if (_routes.TryGetValue(new Ipv4Prefix(address, length), out var alternatives))
            {
                yield return alternatives;
            }
        }
    }

    /// <summary>Replaces the routes of one destination; an empty list removes it.</summary>
    public RouteTable With(Ipv4Prefix destination, ImmutableArray<Ipv4Route> alternatives) =>
        alternatives.IsEmpty
            ? new RouteTable(_routes.Remove(destination), _lengths)
            : new RouteTable(_routes.SetItem(destination, Ordered(alternatives)), _lengths | 1UL << destination.Length);

    // The kernel looks at higher TOS first, then at lower priority numbers, then in the order of insertion.
    private static ImmutableArray<Ipv4Route> Ordered(ImmutableArray<Ipv4Route> alternatives) =>
        alternatives.Length == 1
            ? alternatives
            : [.. alternatives.OrderByDescending(static route => route.Tos).ThenBy(static route => route.Priority)];
}
