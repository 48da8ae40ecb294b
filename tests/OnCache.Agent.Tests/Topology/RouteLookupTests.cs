using FsCheck;
using FsCheck.Fluent;

using OnCache.Agent.Net;
using OnCache.Agent.Topology;

namespace OnCache.Agent.Tests.Topology;

public sealed class RouteLookupTests
{
    private static readonly Ipv4Address s_destination = Ipv4Address.Parse("198.51.100.7");

    // Few bits vary, so that prefixes nest and addresses hit.
    private static readonly Gen<Ipv4Address> s_address = Gen.Choose(0, 255)
        .Select(static value => new Ipv4Address((uint)value << 24 | 0x00a5_a5a5));

    private static readonly Gen<Ipv4Route> s_route =
        from address in s_address
        from length in Gen.Choose(0, 12)
        from metric in Gen.Choose(0, 2)
        from device in Gen.Choose(1, 1000)
        select new Ipv4Route { Destination = new Ipv4Prefix(address, length), Priority = (uint)metric, OutIfIndex = device };

    [Fact]
    public void The_longest_prefix_with_the_least_metric_wins_as_a_naive_search_finds_it() => Prop.ForAll(
        s_route.ListOf().ToArbitrary(),
        s_address.ToArbitrary(),
        static (routes, address) =>
        {
            var network = routes.Aggregate(NetworkSnapshot.Empty, static (network, route) => network.With(route));

            return RouteLookup.Find(network, address).Route == Naive(routes, address);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_table_made_at_once_answers_as_one_made_route_by_route() => Prop.ForAll(
        s_route.ListOf().ToArbitrary(),
        s_address.ToArbitrary(),
        static (routes, address) =>
        {
            var network = NetworkSnapshot.Empty with { RouteTables = NetworkSnapshotReader.Tables(routes) };

            return RouteLookup.Find(network, address).Route == Naive(routes, address);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_removed_route_answers_no_more() => Prop.ForAll(
        s_route.NonEmptyListOf().ToArbitrary(),
        s_address.ToArbitrary(),
        static (routes, address) =>
        {
            var gone = routes[0].Destination;
            var table = RouteTable.Create(routes).With(gone, []);
            var network = NetworkSnapshot.Empty with { RouteTables = NetworkSnapshot.Empty.RouteTables.Add(Ipv4Route.MainTable, table) };

            return RouteLookup.Find(network, address).Route == Naive([.. routes.Where(route => route.Destination != gone)], address);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void No_route_is_no_route() => RouteLookup.Find(NetworkSnapshot.Empty, s_destination).Verdict.ShouldBe(RouteVerdict.NoRoute);

    [Fact]
    public void The_local_table_comes_first()
    {
        var network = NetworkSnapshot.Empty.WithRoute("198.51.100.7/32", 1).WithLocal(s_destination);

        RouteLookup.Find(network, s_destination).Verdict.ShouldBe(RouteVerdict.Local);
    }

    [Fact]
    public void A_throw_route_goes_on_with_the_next_table()
    {
        var network = NetworkSnapshot.Empty
            .With(Networks.Route("198.51.100.7/32", 0) with { Type = RouteType.Throw })
            .With(Networks.Route("198.51.100.0/24", 2))
            .With(Networks.Route("0.0.0.0/0", 3) with { Table = Ipv4Route.DefaultTable });

        RouteLookup.Find(network, s_destination).Route.ShouldNotBeNull().OutIfIndex.ShouldBe(3);
    }

    [Fact]
    public void A_bound_packet_takes_only_routes_of_its_device()
    {
        var network = NetworkSnapshot.Empty.WithRoute("198.51.100.0/24", 1).WithRoute("0.0.0.0/0", 2);

        RouteLookup.Find(network, s_destination).Route.ShouldNotBeNull().OutIfIndex.ShouldBe(1);
        RouteLookup.Find(network, s_destination, outIfIndex: 2).Route.ShouldNotBeNull().OutIfIndex.ShouldBe(2);
        RouteLookup.Find(network, s_destination, outIfIndex: 3).Verdict.ShouldBe(RouteVerdict.NoRoute);
    }

    private static readonly Dictionary<string, (RoutingRule Rule, string Expected)> s_rules = new(StringComparer.Ordinal)
    {
        ["matches"] = (new RoutingRule { Priority = 1, Table = 77 }, "77"),
        ["matches its source"] = (new RoutingRule { Priority = 1, Table = 77, Source = Ipv4Prefix.Parse("192.0.2.0/24") }, "77"),
        ["another source"] = (new RoutingRule { Priority = 1, Table = 77, Source = Ipv4Prefix.Parse("10.0.0.0/8") }, "main"),
        ["another destination"] = (new RoutingRule { Priority = 1, Table = 77, Destination = Ipv4Prefix.Parse("10.0.0.0/8") }, "main"),
        ["not another source"] = (new RoutingRule { Priority = 1, Table = 77, Source = Ipv4Prefix.Parse("10.0.0.0/8"), Invert = true },
            "77"),
        ["not its source"] = (new RoutingRule { Priority = 1, Table = 77, Source = Ipv4Prefix.Parse("192.0.2.0/24"), Invert = true },
            "main"),
        ["a mark"] = (new RoutingRule { Priority = 1, Table = 77, HasOtherSelectors = true }, "undecided"),
        ["not a mark"] = (new RoutingRule { Priority = 1, Table = 77, HasOtherSelectors = true, Invert = true }, "undecided"),
        ["a mark for the same table"] = (new RoutingRule { Priority = 1, Table = Ipv4Route.MainTable, HasOtherSelectors = true }, "main"),
        ["a mark for an empty table"] = (new RoutingRule { Priority = 1, Table = 78, HasOtherSelectors = true }, "main"),
        ["a mark and another source"] =
            (new RoutingRule { Priority = 1, Table = 77, HasOtherSelectors = true, Source = Ipv4Prefix.Parse("10.0.0.0/8") }, "main"),
        ["a mark behind the tables"] = (new RoutingRule { Priority = 40000, Table = 77, HasOtherSelectors = true }, "main"),
        ["a mark that blocks"] = (new RoutingRule { Priority = 1, Action = RuleAction.Prohibit, HasOtherSelectors = true }, "undecided"),
        ["a goto"] = (new RoutingRule { Priority = 1, Action = RuleAction.Goto }, "undecided"),
        ["nothing"] = (new RoutingRule { Priority = 1, Action = RuleAction.Nop }, "main"),
        ["prohibit"] = (new RoutingRule { Priority = 1, Action = RuleAction.Prohibit }, "refused"),
        ["a vrf"] = (new RoutingRule { Priority = 1, L3Master = true }, "main"),
        ["suppressed"] = (new RoutingRule { Priority = 1, Table = 77, SuppressPrefixLength = 24 }, "main"),
        ["not suppressed"] = (new RoutingRule { Priority = 1, Table = 77, SuppressPrefixLength = 23 }, "77"),
    };

    public static TheoryData<string> Rules => [.. s_rules.Keys];

    [Theory]
    [MemberData(nameof(Rules))]
    public void Rules_lead_where_the_kernel_would_go(string name)
    {
        var (rule, expected) = s_rules[name];
        var network = NetworkSnapshot.Empty.WithRoute("198.51.100.0/24", 1)
            .With(Networks.Route("198.51.100.0/24", 7) with { Table = 77 })
            .WithRule(rule);
        var outcome = RouteLookup.Find(network, s_destination, Networks.Local);

        (outcome switch
        {
            { Verdict: RouteVerdict.Forward, Route.OutIfIndex: 1 } => "main",
            { Verdict: RouteVerdict.Forward } => "77",
            { Verdict: RouteVerdict.Undecided, Rule: { } by } when by == rule => "undecided",
            { Verdict: RouteVerdict.Refused } => "refused",
            _ => outcome.ToString(),
        }).ShouldBe(expected);
    }

    [Fact]
    public void A_rule_for_some_sources_is_open_while_the_source_is()
    {
        var network = NetworkSnapshot.Empty.WithRoute("198.51.100.0/24", 1)
            .With(Networks.Route("198.51.100.0/24", 7) with { Table = 77 })
            .WithRule(new RoutingRule { Priority = 1, Table = 77, Source = Ipv4Prefix.Parse("10.0.0.0/8") });

        RouteLookup.Find(network, s_destination).Verdict.ShouldBe(RouteVerdict.Undecided);
    }

    private static Ipv4Route? Naive(IList<Ipv4Route> routes, Ipv4Address address)
    {
        Ipv4Route? best = null;
        foreach (var route in routes)
        {
            var bits = route.Destination.Length;
            var matches = bits == 0 || route.Destination.Network.Value >> (32 - bits) == address.Value >> (32 - bits);
            if (matches && (best is null || bits > best.Destination.Length
                || bits == best.Destination.Length && route.Priority < best.Priority))
            {
                best = route;
            }
        }

        return best;
    }
}
