using System.Reflection;
using OnCache.Agent.Configuration;
using OnCache.Agent.Kubernetes;
using OnCache.Agent.Telemetry;
using OnCache.Agent.Topology;
using OnCache.Api;
using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Agent.Tests.Kubernetes;

/// <summary>The agent's status in the words of the API.</summary>
public sealed class NodeStatusTests
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 20, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Pods_are_counted_by_state_and_by_policy()
    {
        var status = NodeStatus.Of(
            Status(
                Endpoint("a", EndpointState.Accelerated, "web"),
                Endpoint("b", EndpointState.Waiting, "web"),
                Endpoint("c", EndpointState.Observed, "trial"),
                Endpoint("d", EndpointState.Disabled, policy: null)),
            generation: 7,
            before: null,
            s_now);

        status.ObservedGeneration.ShouldBe(7);
        status.Endpoints.ShouldBe(new EndpointCounts { Accelerated = 1, Observed = 1, Waiting = 1, Disabled = 1 });
        status.Policies.ShouldBe([new PolicyEndpoints("trial", 1, 0), new PolicyEndpoints("web", 2, 1)]);
    }

    [Fact]
    public void Pods_that_are_not_accelerated_are_counted_by_cause_and_by_state_where_there_is_none()
    {
        var status = NodeStatus.Of(
            Status(
                Endpoint("a", EndpointState.Accelerated, "web"),
                Endpoint("b", EndpointState.Observed, "trial"),
                Endpoint("c", EndpointState.Disabled, policy: null, nameof(SelectionCause.OptedOut)),
                Endpoint("d", EndpointState.Disabled, policy: null, nameof(SelectionCause.NoPolicy)),
                Endpoint("e", EndpointState.Disabled, policy: null, nameof(SelectionCause.NoPolicy)),
                Endpoint("f", EndpointState.Waiting, "web", nameof(EndpointReason.NeighbourUnresolved)),
                Endpoint("g", EndpointState.Shaped, "web")),
            generation: 7,
            before: null,
            s_now);

        status.Refusals.ShouldBe([new Refusal("NeighbourUnresolved", 1), new Refusal("NoPolicy", 2), new Refusal("OptedOut", 1), new Refusal("Shaped", 1)]);
    }

    [Fact]
    public void A_pod_that_wants_more_than_its_share_is_accelerated_and_counted()
    {
        var status = NodeStatus.Of(Status(Endpoint("a", EndpointState.Accelerated, "web", "CacheShare"), Endpoint("b", EndpointState.Accelerated, "web")), 7, null, s_now);

        status.Endpoints.Accelerated.ShouldBe(2);
        status.Refusals.ShouldBe([new Refusal("CacheShare", 1)]);
    }

    [Theory]
    [InlineData(10, ConditionStatus.False, ConditionReason.ConntrackHasRoom)]
    [InlineData(95, ConditionStatus.True, ConditionReason.ConntrackNearlyFull)]
    [InlineData(100, ConditionStatus.True, ConditionReason.ConntrackFull)]
    public void Connection_tracking_has_a_condition_that_leaves_the_node_ready(long entries, ConditionStatus holds, string reason)
    {
        var conntrack = ConntrackStatus.Of(entries, 100, before: null);

        var conditions = NodeStatus.Of(Status() with { Conntrack = conntrack }, 7, null, s_now).Conditions;

        conditions[0].Status.ShouldBe(ConditionStatus.True);
        var condition = conditions.Single(static condition => condition.Type == ConditionType.ConntrackPressure);
        (condition.Status, condition.Reason, condition.Message).ShouldBe((holds, reason, conntrack.Message));
    }

    [Fact]
    public void Room_for_caches_is_told_roughly_and_written_anew_only_where_it_is_wrong_by_more_than_a_quarter()
    {
        const long Unit = 1 << 20;
        var first = Of(null, 100 * Unit + 17);
        first.Capabilities!.Memory.ShouldBe(new NodeMemory(100 * Unit, 4));

        Of(first, 120 * Unit).Capabilities!.Memory.ShouldBe(first.Capabilities.Memory);
        Of(first, 80 * Unit).Capabilities!.Memory.ShouldBe(first.Capabilities.Memory);
        Of(first, 70 * Unit).Capabilities!.Memory!.CacheBytes.ShouldBe(70 * Unit);
        Of(first, 126 * Unit).Capabilities!.Memory!.CacheBytes.ShouldBe(126 * Unit);
        Of(null, long.MaxValue).Capabilities!.Memory!.CacheBytes.ShouldBe(CacheMemory.OfLargest(4), "what nobody can ask for is not told");
        NodeStatus.Of(Status(), 7, null, s_now).Capabilities!.Memory.ShouldBeNull();

        static NodeCacheConfigStatus Of(NodeCacheConfigStatus? before, long bytes)
        {
            var status = Status();
            return NodeStatus.Of(status with { Capabilities = status.Capabilities with { Memory = new CacheRoom(bytes, 4) } }, 7, before, s_now);
        }
    }

    [Fact]
    public void The_agents_start_is_told_in_whole_seconds() =>
        NodeStatus.Of(Status() with { StartedAt = s_now.AddMilliseconds(300) }, 7, null, s_now).AgentStartedAt.ShouldBe(s_now);

    [Fact]
    public void A_node_in_order_is_programmed_and_ready()
    {
        var conditions = NodeStatus.Of(Status(), 3, null, s_now).Conditions;

        conditions.Select(condition => (condition.Type, condition.Status, condition.ObservedGeneration)).ShouldBe(
            [(ConditionType.Programmed, ConditionStatus.True, 3), (ConditionType.Ready, ConditionStatus.True, 3)]);
    }

    [Fact]
    public void A_node_without_a_tunnel_has_failed_and_says_why()
    {
        var programmed = NodeStatus.Of(Status() with { Underlay = new UnderlayStatus { Reason = "tunnel: no VXLAN device" } }, 1, null, s_now).Conditions[0];

        programmed.Status.ShouldBe(ConditionStatus.False);
        programmed.Reason.ShouldBe(ConditionReason.Failed);
        programmed.Message.ShouldBe("tunnel: no VXLAN device");
    }

    [Fact]
    public void A_node_with_a_warning_stays_programmed_and_says_so()
    {
        var status = Status() with { Warnings = ["TCP stays on the CNI's path: nf_conntrack is not loaded"] };

        foreach (var condition in NodeStatus.Of(status, 1, null, s_now).Conditions)
        {
            condition.Status.ShouldBe(ConditionStatus.True);
            condition.Reason.ShouldBe(ConditionReason.Programmed);
            condition.Message.ShouldBe("programs are attached by tcx; TCP stays on the CNI's path: nf_conntrack is not loaded");
        }
    }

    [Fact]
    public void Of_several_warnings_the_first_is_told_and_the_others_are_counted() =>
        NodeStatus.Of(Status() with { Warnings = ["one", "two", "three"] }, 1, null, s_now).Conditions
            .ShouldAllBe(static condition => condition.Message == "programs are attached by tcx; one; and 2 more");

    [Fact]
    public void A_nic_that_refuses_the_programs_is_a_failure()
    {
        var status = Status() with { NicFailures = ["eth0: attach oncache_node_ingress: Operation not permitted (errno 1)", "eth1: the same"], Warnings = ["one"] };

        foreach (var condition in NodeStatus.Of(status, 1, null, s_now).Conditions)
        {
            condition.Status.ShouldBe(ConditionStatus.False);
            condition.Reason.ShouldBe(ConditionReason.Failed);
            condition.Message.ShouldBe("eth0: attach oncache_node_ingress: Operation not permitted (errno 1); eth1: the same; and 1 more");
        }
    }

    [Fact]
    public void Caches_that_cannot_be_had_are_a_failure_with_its_own_reason()
    {
        var status = Status() with { SizesRefused = new SizesRefused(ConditionReason.InsufficientMemory, "cacheSizes filter 4194304"), Warnings = ["one"] };

        foreach (var condition in NodeStatus.Of(status, 1, null, s_now).Conditions)
        {
            condition.Status.ShouldBe(ConditionStatus.False);
            condition.Reason.ShouldBe(ConditionReason.InsufficientMemory);
            condition.Message.ShouldBe("cacheSizes filter 4194304; one");
        }
    }

    [Fact]
    public void A_message_is_never_longer_than_the_schema_admits()
    {
        var longest = (int)typeof(Condition).GetProperty(nameof(Condition.Message))!.GetCustomAttribute<LengthAttribute>()!.MaxLength;

        NodeStatus.Of(Status() with { Warnings = [new string('w', longest)] }, 1, null, s_now).Conditions
            .ShouldAllBe(condition => condition.Message.Length == longest);
    }

    [Fact]
    public void A_condition_that_holds_on_keeps_the_time_since_when()
    {
        var first = NodeStatus.Of(Status(), 1, null, s_now);
        NodeStatus.Of(Status(), 2, first, s_now.AddHours(1)).Conditions.ShouldAllBe(condition => condition.LastTransitionTime == s_now);
    }

    [Fact]
    public void Rules_of_the_host_that_keep_whole_flows_off_come_first_and_their_pods_are_counted()
    {
        var status = Status() with { HostRules = [Rule("count", HostRuleScope.ShortConnections, "a/x"), Rule("log"), Rule("limit", HostRuleScope.Flows, "a/x", "a/y")] };

        NodeStatus.Of(status, 1, null, s_now).HostRules.ShouldBe(
        [
            new NodeHostRule("log", "sees every packet", HostRuleScope.Flows, 0),
            new NodeHostRule("limit", "sees every packet", HostRuleScope.Flows, 2),
            new NodeHostRule("count", "sees every packet", HostRuleScope.ShortConnections, 1),
        ]);
    }

    [Fact]
    public void More_rules_of_the_host_than_the_schema_admits_are_left_out()
    {
        var status = Status() with { HostRules = [Rule("last", HostRuleScope.ShortConnections), .. Enumerable.Range(0, 16).Select(i => Rule($"rule {i}"))] };

        NodeStatus.Of(status, 1, null, s_now).HostRules.Select(rule => rule.Rule).ShouldBe(Enumerable.Range(0, 16).Select(i => $"rule {i}"));
    }

    [Fact]
    public void A_rule_of_the_host_is_never_longer_than_the_schema_admits()
    {
        var status = Status() with { HostRules = [Rule(new string('r', 256)), Rule(new string('r', 257)) with { Reason = new string('w', 129) }] };

        var rules = NodeStatus.Of(status, 1, null, s_now).HostRules;

        rules[0].Rule.ShouldBe(new string('r', 256));
        rules[1].Rule.ShouldBe(new string('r', 253) + "...");
        rules[1].Reason.ShouldBe(new string('w', 125) + "...");
    }

    [Fact]
    public void The_same_rule_in_several_places_is_one_with_the_pods_of_all()
    {
        var many = Rule("limit", HostRuleScope.Flows, "a/x") with { Where = "chain of many", MorePods = 80 };
        var status = Status() with
        {
            HostRules = [Rule("log", HostRuleScope.Flows, "a/x", "a/y"), Rule("limit"), Rule("log", HostRuleScope.Flows, "a/y", "a/z") with { Where = "elsewhere" }, many],
        };

        NodeStatus.Of(status, 1, null, s_now).HostRules.ShouldBe(
        [
            new NodeHostRule("log", "sees every packet", HostRuleScope.Flows, 3),
            new NodeHostRule("limit", "sees every packet", HostRuleScope.Flows, 81),
        ]);
    }

    [Fact]
    public void Pods_that_come_and_go_leave_the_rules_of_the_host_as_they_were_written()
    {
        var endless = new string('r', 300);
        var first = NodeStatus.Of(Status() with { HostRules = [Rule("limit", HostRuleScope.Flows, "a/x"), Rule(endless)] }, 1, null, s_now);
        var churned = Status() with { HostRules = [Rule("limit", HostRuleScope.Flows, "a/y", "a/z"), Rule(endless, HostRuleScope.Flows, "a/y")] };

        NodeStatus.Of(churned, 1, first, s_now).HostRules.ShouldBe(first.HostRules);
        NodeStatus.Of(churned with { HostRules = [churned.HostRules[0]] }, 1, first, s_now).HostRules.ShouldHaveSingleItem().Pods.ShouldBe(2);
        NodeStatus.Of(Status(), 1, first, s_now).HostRules.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("quota", "sees every packet", HostRuleScope.Flows)]
    [InlineData("limit", "counts packets", HostRuleScope.Flows)]
    [InlineData("limit", "sees every packet", HostRuleScope.ShortConnections)]
    public void Another_rule_reason_or_scope_is_another_list_with_the_counts_of_now(string rule, string reason, HostRuleScope scope)
    {
        var first = NodeStatus.Of(Status() with { HostRules = [Rule("limit", HostRuleScope.Flows, "a/x")] }, 1, null, s_now);

        NodeStatus.Of(Status() with { HostRules = [Rule(rule, scope, "a/x", "a/y") with { Reason = reason }] }, 1, first, s_now)
            .HostRules.ShouldBe([new NodeHostRule(rule, reason, scope, 2)]);
    }

    private static HostRuleStatus Rule(string rule, HostRuleScope scope = HostRuleScope.Flows, params string[] pods) => new()
    {
        Rule = rule,
        Where = "inet filter/forward",
        Reason = "sees every packet",
        Region = "any flow",
        Scope = scope,
        Pods = pods,
    };

    private static AgentStatus Status(params EndpointStatus[] endpoints) => new()
    {
        Version = "1",
        Node = "n1",
        Ready = true,
        UptimeSeconds = 1,
        Configuration = new ConfigurationState("NodeCacheConfig n1", s_now, Error: null),
        Capabilities = new Capabilities("6.18", "tcx", new Dictionary<string, Capability> { ["tcx"] = new(Available: true) }),
        Underlay = new UnderlayStatus { Device = "flannel.1" },
        Sizes = new CacheFill(new CacheUse(1024, 1, 8192), new CacheUse(10, 1, 4096), new CacheUse(10, 1, 4096)),
        Totals = new Totals(0, 0, 0, 0),
        Endpoints = endpoints,
    };

    private static EndpointStatus Endpoint(string name, EndpointState state, string? policy, string? cause = null) => new()
    {
        Namespace = "default",
        Name = name,
        Uid = name,
        Ip = "10.244.1.2",
        Mode = AccelerationMode.Accelerate,
        Policy = policy,
        State = state,
        Cause = cause,
        Hits = new EndpointHits(new Traffic(0, 0), new Traffic(0, 0)),
    };
}
