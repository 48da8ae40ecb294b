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
            before: [],
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
            before: [],
            s_now);

        status.Refusals.ShouldBe([new Refusal("NeighbourUnresolved", 1), new Refusal("NoPolicy", 2), new Refusal("OptedOut", 1), new Refusal("Shaped", 1)]);
    }

    [Fact]
    public void A_node_in_order_is_programmed_and_ready()
    {
        var conditions = NodeStatus.Of(Status(), 3, [], s_now).Conditions;

        conditions.Select(condition => (condition.Type, condition.Status, condition.ObservedGeneration)).ShouldBe(
            [(ConditionType.Programmed, ConditionStatus.True, 3), (ConditionType.Ready, ConditionStatus.True, 3)]);
    }

    [Fact]
    public void A_node_without_a_tunnel_has_failed_and_says_why()
    {
        var programmed = NodeStatus.Of(Status() with { Underlay = new UnderlayStatus { Reason = "tunnel: no VXLAN device" } }, 1, [], s_now).Conditions[0];

        programmed.Status.ShouldBe(ConditionStatus.False);
        programmed.Reason.ShouldBe(ConditionReason.Failed);
        programmed.Message.ShouldBe("tunnel: no VXLAN device");
    }

    [Fact]
    public void A_node_with_a_warning_stays_programmed_and_says_so()
    {
        var status = Status() with { Warnings = ["TCP stays on the CNI's path: nf_conntrack is not loaded"] };

        foreach (var condition in NodeStatus.Of(status, 1, [], s_now).Conditions)
        {
            condition.Status.ShouldBe(ConditionStatus.True);
            condition.Reason.ShouldBe(ConditionReason.Programmed);
            condition.Message.ShouldBe("programs are attached by tcx; TCP stays on the CNI's path: nf_conntrack is not loaded");
        }
    }

    [Fact]
    public void Of_several_warnings_the_first_is_told_and_the_others_are_counted() =>
        NodeStatus.Of(Status() with { Warnings = ["one", "two", "three"] }, 1, [], s_now).Conditions
            .ShouldAllBe(static condition => condition.Message == "programs are attached by tcx; one; and 2 more");

    [Fact]
    public void A_nic_that_refuses_the_programs_is_a_failure()
    {
        var status = Status() with { NicFailures = ["eth0: attach oncache_node_ingress: Operation not permitted (errno 1)", "eth1: the same"], Warnings = ["one"] };

        foreach (var condition in NodeStatus.Of(status, 1, [], s_now).Conditions)
        {
            condition.Status.ShouldBe(ConditionStatus.False);
            condition.Reason.ShouldBe(ConditionReason.Failed);
            condition.Message.ShouldBe("eth0: attach oncache_node_ingress: Operation not permitted (errno 1); eth1: the same; and 1 more");
        }
    }

    [Fact]
    public void A_message_is_never_longer_than_the_schema_admits()
    {
        var longest = (int)typeof(Condition).GetProperty(nameof(Condition.Message))!.GetCustomAttribute<LengthAttribute>()!.MaxLength;

        NodeStatus.Of(Status() with { Warnings = [new string('w', longest)] }, 1, [], s_now).Conditions
            .ShouldAllBe(condition => condition.Message.Length == longest);
    }

    [Fact]
    public void A_condition_that_holds_on_keeps_the_time_since_when()
    {
        var first = NodeStatus.Of(Status(), 1, [], s_now).Conditions;
        NodeStatus.Of(Status(), 2, first, s_now.AddHours(1)).Conditions.ShouldAllBe(condition => condition.LastTransitionTime == s_now);
    }

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
