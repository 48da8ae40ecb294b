using OnCache.Api;
using OnCache.Kubernetes.Models;
using OnCache.Operator.Controllers;

namespace OnCache.Operator.Tests.Controllers;

public sealed class HostRuleEventsTests
{
    private static readonly NodeHostRule Limit = new("ip saddr 10.244.0.0/16 limit rate over 1000/second drop", "limits a rate", HostRuleScope.Flows, 3);
    private static readonly NodeHostRule Log = new("log prefix \"fw\"", "logs packets", HostRuleScope.Flows, 1);

    private readonly HostRuleEvents _events = new([Node("n1")]);

    [Fact]
    public void A_rule_that_takes_pods_off_the_fast_path_is_a_warning_that_names_node_rule_and_pods()
    {
        var told = _events.Next([Node("n1", Limit)], 10).ShouldHaveSingleItem();

        told.Config.Metadata.Name.ShouldBe("n1");
        told.Happened.ShouldBe(new ClusterEvent(
            IsWarning: true,
            "HostRules",
            "flows of 3 pods on node n1 stay on the CNI's path for a rule of the host (limits a rate): ip saddr 10.244.0.0/16 limit rate over 1000/second drop"));
    }

    [Fact]
    public void A_rule_is_told_once_whatever_its_pods_and_the_rules_beside_it()
    {
        Rules([Node("n1", Limit)]).ShouldBe([Limit.Rule]);

        Rules([Node("n1", Limit)]).ShouldBeEmpty();
        Rules([Node("n1", Limit with { Pods = 7 })]).ShouldBeEmpty();
        Rules([Node("n1", Log, Limit with { Pods = 0 })]).ShouldBe([Log.Rule]);
        Rules([Node("n1", Limit)]).ShouldBeEmpty();
    }

    [Fact]
    public void A_rule_without_pods_is_told_when_the_first_one_stays_off()
    {
        Rules([Node("n1", Limit with { Pods = 0 })]).ShouldBeEmpty();
        Rules([Node("n1", Limit with { Pods = 1 })]).ShouldBe([Limit.Rule]);
    }

    [Fact]
    public void A_rule_that_keeps_off_no_whole_flow_is_not_told() =>
        Rules([Node("n1", Limit with { Scope = HostRuleScope.ShortConnections })]).ShouldBeEmpty();

    [Fact]
    public void A_rule_that_comes_back_is_told_again()
    {
        Rules([Node("n1", Limit)]).ShouldBe([Limit.Rule]);
        Rules([Node("n1")]).ShouldBeEmpty();
        Rules([Node("n1", Limit)]).ShouldBe([Limit.Rule]);
    }

    [Fact]
    public void Each_node_has_its_own_rules_and_one_that_joins_brings_news()
    {
        Rules([Node("n1", Limit), Node("n2", Log)]).ShouldBe([Limit.Rule, Log.Rule]);
        Rules([Node("n1", Limit, Log), Node("n2", Log)]).ShouldBe([Log.Rule]);
    }

    [Fact]
    public void What_a_replica_finds_when_it_begins_to_lead_is_no_news()
    {
        var events = new HostRuleEvents([Node("n1", Limit)]);

        events.Next([Node("n1", Limit with { Pods = 9 })], 10).ShouldBeEmpty();
        events.Next([Node("n1", Limit, Log)], 10).ShouldHaveSingleItem().Happened.Note.ShouldEndWith(Log.Rule);
    }

    [Fact]
    public void What_is_too_much_for_one_turn_comes_in_the_next()
    {
        V1Alpha1NodeCacheConfig[] nodes = [.. Enumerable.Range(0, 5).Select(i => Node($"n{i}", Limit))];

        _events.Next(nodes, 3).Select(item => item.Config.Metadata.Name).ShouldBe(["n0", "n1", "n2"]);
        _events.Next(nodes, 3).Select(item => item.Config.Metadata.Name).ShouldBe(["n3", "n4"]);
        _events.Next(nodes, 3).ShouldBeEmpty();
    }

    private IEnumerable<string> Rules(V1Alpha1NodeCacheConfig[] nodes) =>
        _events.Next(nodes, 10).Select(item => item.Happened.Note[(item.Happened.Note.IndexOf("): ", StringComparison.Ordinal) + 3)..]);

    private static V1Alpha1NodeCacheConfig Node(string name, params NodeHostRule[] rules) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, Uid = $"{name}-uid" },
        Status = new NodeCacheConfigStatus { HostRules = rules },
    };
}
