using OnCache.Agent.Net;
using OnCache.Agent.Topology;

namespace OnCache.Agent.Tests.Topology;

/// <summary>Which nodes lose destinations by a change of routes.</summary>
public sealed class TunnelRoutesTests
{
    private static readonly NetworkSnapshot s_before = Networks.Node;

    [Fact]
    public void The_same_routes_move_nothing() =>
        Losing(s_before.With(Networks.PodLink with { Mtu = 1300 })).ShouldBeEmpty();

    [Fact]
    public void A_route_that_goes_or_leads_elsewhere_moves_the_destinations_of_its_node()
    {
        Losing(Without("10.244.2.0/24")).ShouldBe([Networks.Remote]);
        Losing(Without("10.244.2.0/24").WithRoute("10.244.2.0/24", Networks.Eth0, "192.0.2.254")).ShouldBe([Networks.Remote]);
        Losing(Without("10.244.2.0/24").WithRoute("10.244.2.0/24", Networks.Flannel, "10.244.3.0")).ShouldBe([Networks.Remote]);
    }

    [Fact]
    public void A_longer_prefix_takes_destinations_from_the_node_that_had_them() =>
        Losing(s_before.WithRoute("10.244.2.5/32", Networks.Eth0)).ShouldBe([Networks.Remote]);

    /// <summary>Between tables the order of the routing rules decides, whatever the lengths.</summary>
    [Theory]
    [InlineData("10.244.2.0/24")]
    [InlineData("10.244.0.0/16")]
    [InlineData("10.244.2.128/25")]
    [InlineData("0.0.0.0/0")]
    public void A_route_in_another_table_takes_destinations_whatever_its_length(string destination) =>
        Losing(InTable(100, destination)).ShouldBe([Networks.Remote]);

    [Fact]
    public void A_route_in_another_table_that_is_about_others_moves_nothing() => Losing(InTable(100, "10.245.0.0/16")).ShouldBeEmpty();

    private static NetworkSnapshot InTable(uint table, string destination) => s_before with
    {
        RouteTables = s_before.RouteTables.SetItem(table, RouteTable.Create([new Ipv4Route { Table = table, Destination = Ipv4Prefix.Parse(destination), OutIfIndex = Networks.Eth0 }])),
    };

    [Fact]
    public void Another_node_and_other_destinations_move_nothing()
    {
        Losing(s_before.WithRoute("10.244.9.0/24", Networks.Flannel, "10.244.9.0")).ShouldBeEmpty();
        Losing(s_before.WithRoute("10.0.0.0/8", Networks.Eth0)).ShouldBeEmpty("it is shorter than the node's own");
        Losing(s_before.WithLocal(Ipv4Address.Parse("192.0.2.77"))).ShouldBeEmpty();
    }

    private static IReadOnlyCollection<Ipv4Address> Losing(NetworkSnapshot after) => TunnelRoutes.NodesLosing(s_before, after, Networks.Flannel);

    private static NetworkSnapshot Without(string destination) => s_before with
    {
        RouteTables = s_before.RouteTables.SetItem(
            Ipv4Route.MainTable, s_before.RouteTables[Ipv4Route.MainTable].With(Ipv4Prefix.Parse(destination), [])),
    };
}
