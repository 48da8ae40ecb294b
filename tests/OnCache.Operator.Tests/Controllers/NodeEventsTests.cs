using OnCache.Api;
using OnCache.Kubernetes.Models;
using OnCache.Operator.Controllers;

namespace OnCache.Operator.Tests.Controllers;

public sealed class NodeEventsTests
{
    private static readonly NodeHostRule Limit = new("ip saddr 10.244.0.0/16 limit rate over 1000/second drop", "limits a rate", HostRuleScope.Flows, 3);
    private static readonly NodeHostRule Log = new("log prefix \"fw\"", "logs packets", HostRuleScope.Flows, 1);

    private readonly NodeEvents _events = new([Node("n1")]);

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
        var events = new NodeEvents([Node("n1", Limit)]);

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

    [Fact]
    public void A_condition_that_needs_attention_is_told_once_and_its_end_once()
    {
        var refused = Is(ConditionType.Programmed, ConditionStatus.False, ConditionReason.InsufficientMemory, "no memory");

        Told(With(refused)).ShouldBe([(true, "InsufficientMemory", "node n1: no memory")]);
        Told(With(refused with { Message = "still none" })).ShouldBeEmpty();
        Told(With(Is(ConditionType.Programmed, ConditionStatus.False, ConditionReason.Failed, "refused"))).ShouldBe([(true, "Failed", "node n1: refused")]);
        Told(With(Is(ConditionType.Programmed, ConditionStatus.False, ConditionReason.Pending, "starts"))).ShouldBeEmpty("it may come back as it was");
        Told(With(Is(ConditionType.Programmed, ConditionStatus.True, ConditionReason.Programmed, "attached"))).ShouldBe([(false, "Programmed", "node n1: attached")]);
        Told(With(Is(ConditionType.Programmed, ConditionStatus.True, ConditionReason.Programmed, "attached"))).ShouldBeEmpty();
    }

    [Fact]
    public void Full_connection_tracking_is_told_and_so_is_its_end()
    {
        Told(With(Is(ConditionType.ConntrackPressure, ConditionStatus.False, ConditionReason.ConntrackHasRoom, "room"))).ShouldBeEmpty();
        Told(With(Is(ConditionType.ConntrackPressure, ConditionStatus.True, ConditionReason.ConntrackNearlyFull, "nearly"))).ShouldBe([(true, "ConntrackNearlyFull", "node n1: nearly")]);
        Told(With(Is(ConditionType.ConntrackPressure, ConditionStatus.True, ConditionReason.ConntrackFull, "full"))).ShouldBe([(true, "ConntrackFull", "node n1: full")]);
        Told(With(Is(ConditionType.ConntrackPressure, ConditionStatus.True, ConditionReason.ConntrackNearlyFull, "nearly"))).ShouldBeEmpty("it sways");
        Told(With(Is(ConditionType.ConntrackPressure, ConditionStatus.True, ConditionReason.ConntrackFull, "full"))).ShouldBeEmpty("it sways");
        Told(With(Is(ConditionType.ConntrackPressure, ConditionStatus.False, ConditionReason.ConntrackHasRoom, "room"))).ShouldBe([(false, "ConntrackHasRoom", "node n1: room")]);
    }

    [Fact]
    public void The_end_of_a_condition_waits_for_room_in_a_turn()
    {
        var refused = Is(ConditionType.Programmed, ConditionStatus.False, ConditionReason.Failed, "refused");
        var fine = Is(ConditionType.Programmed, ConditionStatus.True, ConditionReason.Programmed, "attached");
        _events.Next([Node("n1", refused), Node("n2", refused)], 10).Count.ShouldBe(2);

        _events.Next([Node("n1", fine), Node("n2", fine)], 1).ShouldHaveSingleItem().Config.Metadata.Name.ShouldBe("n1");
        _events.Next([Node("n1", fine), Node("n2", fine)], 1).ShouldHaveSingleItem().Config.Metadata.Name.ShouldBe("n2");
        _events.Next([Node("n1", fine), Node("n2", fine)], 1).ShouldBeEmpty();
    }

    [Fact]
    public void An_agent_that_starts_over_says_so_in_one_event()
    {
        var first = new NodeCacheConfigStatus { AgentStartedAt = DateTimeOffset.UnixEpoch };
        var events = new NodeEvents([Of("n1", first)]);

        events.Next([Of("n1", first)], 10).ShouldBeEmpty();
        var second = first with { AgentStartedAt = DateTimeOffset.UnixEpoch.AddSeconds(90) };
        events.Next([Of("n1", second)], 10).ShouldHaveSingleItem().Happened
            .ShouldBe(new ClusterEvent(IsWarning: false, "AgentStarted", "node n1: the agent has started; what was cached before is void and is learned again"));
        events.Next([Of("n1", second)], 10).ShouldBeEmpty();
    }

    private IEnumerable<(bool IsWarning, string Reason, string Note)> Told(NodeCacheConfigStatus status) =>
        _events.Next([Of("n1", status)], 10).Select(static item => (item.Happened.IsWarning, item.Happened.Reason, item.Happened.Note));

    private static NodeCacheConfigStatus With(Condition condition) => new() { Conditions = [condition] };

    private static Condition Is(string type, ConditionStatus status, string reason, string message) => new(type, status, reason, message, 1, DateTimeOffset.UnixEpoch);

    private static V1Alpha1NodeCacheConfig Node(string name, Condition condition) => Of(name, With(condition));

    private IEnumerable<string> Rules(V1Alpha1NodeCacheConfig[] nodes) =>
        _events.Next(nodes, 10).Select(item => item.Happened.Note[(item.Happened.Note.IndexOf("): ", StringComparison.Ordinal) + 3)..]);

    private static V1Alpha1NodeCacheConfig Node(string name, params NodeHostRule[] rules) => Of(name, new NodeCacheConfigStatus { HostRules = rules });

    private static V1Alpha1NodeCacheConfig Of(string name, NodeCacheConfigStatus status) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, Uid = $"{name}-uid" },
        Status = status,
    };
}
