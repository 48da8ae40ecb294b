using System.Collections.Immutable;

using OnCache.Agent.Bpf;
using OnCache.Agent.Daemon;
using OnCache.Agent.Kubernetes;
using OnCache.Agent.Net;
using OnCache.Agent.Rules;
using OnCache.Agent.Telemetry;
using OnCache.Agent.Tests.Telemetry;
using OnCache.Agent.Tests.Topology;
using OnCache.Api;

namespace OnCache.Agent.Tests.Daemon;

/// <summary>Rules over a plan: what is told of them when pods come and go, and how much work a node full of them is.</summary>
public sealed class RulePlannerTests
{
    private const int ManyRules = 10_000;
    private const int ManyPods = 110;
    private const int ManyChanges = 100_000;
    private const long Megabyte = 1 << 20;

    private static readonly RuleRegion s_limit = Limit("limit", new PacketClass { Way = PacketWay.FromPod });

    [Fact]
    public void A_rule_whose_last_pod_goes_is_told_on_without_pods_until_it_goes_itself()
    {
        var plan = With([s_limit], null, 1);
        var written = NodeStatus.Of(Status(plan), 1, null, DateTimeOffset.UnixEpoch);

        var empty = With([s_limit], plan);

        RulePlanner.StatusOf(empty.Regions).Rules.ShouldHaveSingleItem().Pods.ShouldBeEmpty();
        empty.Regions.Entries.ShouldBeEmpty();
        NodeStatus.Of(Status(empty), 1, written, DateTimeOffset.UnixEpoch).HostRules.ShouldBe(written.HostRules);
        RulePlanner.StatusOf(With([], empty).Regions).Rules.ShouldBeEmpty();
    }

    [Fact]
    public void A_rule_that_never_concerned_a_pod_is_not_told()
    {
        var elsewhere = Limit("limit", new PacketClass { Way = PacketWay.FromPod, Destinations = IntervalSet.Of(0x08080808, 0x08080808) });

        RulePlanner.StatusOf(With([elsewhere], With([elsewhere], null, 1)).Regions).Rules.ShouldBeEmpty();
    }

    [Fact]
    public void What_is_on_the_pods_bridge_is_told_on_when_the_last_pod_has_gone()
    {
        var shaped = PlannedNode.Snapshot(1) with
        {
            Qdiscs = Networks.Node.Qdiscs.SetItem(Networks.Cni0, [new Qdisc(Networks.Cni0, "tbf", 1, Qdisc.Root)]),
        };
        var plan = WithRules(NodePlanner.Plan(shaped, PlannedNode.Configuration(1), Networks.Options, null), shaped, [], null);

        var empty = WithRules(NodePlanner.Plan(shaped, PlannedNode.Configuration(), Networks.Options, plan), shaped, [], plan);

        var rule = RulePlanner.StatusOf(plan.Regions).Rules.ShouldHaveSingleItem().Rule;
        RulePlanner.StatusOf(empty.Regions).Rules.ShouldHaveSingleItem().Rule.ShouldBe(rule);
        RulePlanner.RolesOf(empty, shaped).OtherDevices.ShouldNotContain("cni0");
    }

    /// <summary>Packets of one flow may differ in it.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Where_routing_asks_for_the_type_of_service_pods_stay_on_the_cnis_path(bool byRule)
    {
        var snapshot = byRule
            ? PlannedNode.Snapshot(1) with { Rules = [new RoutingRule { Priority = 5, HasOtherSelectors = true, SelectsByTos = true, Table = Ipv4Route.MainTable }] }
            : PlannedNode.Snapshot(1).With(new Ipv4Route { Destination = Ipv4Prefix.Parse("10.244.2.0/24"), Tos = 0x10 });
        var plan = WithRules(NodePlanner.Plan(PlannedNode.Snapshot(1), PlannedNode.Configuration(1), Networks.Options, null), snapshot, [], null);

        var rule = RulePlanner.StatusOf(plan.Regions).Rules.ShouldHaveSingleItem();
        (rule.Reason, rule.Pods.Count).ShouldBe(("type of service", 1));
    }

    [Fact]
    public void Thousands_of_rules_over_a_full_node_cost_what_can_be_told_of_them()
    {
        var pods = Enumerable.Range(1, ManyPods).ToArray();
        ImmutableArray<RuleRegion> rules = [.. Enumerable.Range(0, ManyRules).Select(static i => Limit($"limit {i}", new PacketClass
        {
            Way = PacketWay.FromPod,
            Protocols = IntervalSet.Of(PacketClass.Tcp, PacketClass.Tcp),
            DestinationPorts = IntervalSet.Of((uint)i + 1, (uint)i + 1),
            PodDevices = [new DevicePattern("veth", IsPrefix: true, IsNegated: false)],
        }))];
        var plan = PlannedNode.Of(null, pods);
        var snapshot = PlannedNode.Snapshot(pods);
        NodePlan ruled = null!;
        Allocated(() => ruled = WithRules(plan, snapshot, rules, null)).ShouldBeLessThan(32 * Megabyte);

        var entry = ruled.Regions.Entries.ShouldHaveSingleItem("more than can be told are one");
        (entry.Protocol, entry.RemotePortMin, entry.RemotePortMax).ShouldBe((PacketClass.Tcp, (ushort)1, (ushort)ManyRules));
        ruled.Regions.Ruled.Length.ShouldBe(ManyPods);
        ruled.Endpoints.ShouldAllBe(static endpoint => endpoint.Spec!.Flags.HasFlag(EndpointFlags.Ruled));

        HostRulesReport report = null!;
        Allocated(() => report = RulePlanner.StatusOf(ruled.Regions)).ShouldBeLessThan(8 * Megabyte);
        report.Rules.Count.ShouldBe(RulePlanner.MostRules);
        report.MoreRules.ShouldBe(ManyRules - RulePlanner.MostRules);
        report.Rules.ShouldAllBe(static rule => rule.Pods.Count == RulePlanner.MostPods && rule.MorePods == ManyPods - RulePlanner.MostPods);
        report.Counts.ShouldContain(new HostRuleCount(HostRuleScope.Flows, ManyRules, ManyPods));

        WithRules(plan, snapshot, rules, ruled).Regions.ShouldBeSameAs(ruled.Regions, "nothing is otherwise, and nothing is told anew");
    }

    [Fact]
    public void A_region_of_more_ranges_than_can_be_told_keeps_off_no_less()
    {
        var wide = new PacketClass
        {
            Way = PacketWay.ToPod,
            Protocols = IntervalSet.Of([new(PacketClass.Tcp, PacketClass.Tcp), new(PacketClass.Udp, PacketClass.Udp)]),
            SourcePorts = IntervalSet.Of(Enumerable.Range(1, 8).Select(static i => new Interval((uint)i * 100, (uint)i * 100))),
            PodDevices = [new DevicePattern("veth", IsPrefix: true, IsNegated: false)],
        };

        var entry = With([Limit("wide", wide)], null, [.. Enumerable.Range(1, ManyPods)]).Regions.Entries.ShouldHaveSingleItem();

        (entry.Protocol, entry.LocalMin, entry.LocalMax, entry.RemotePortMin, entry.RemotePortMax)
            .ShouldBe(((byte)0, PlannedNode.AddressOf(1).Value, PlannedNode.AddressOf(ManyPods).Value, (ushort)100, (ushort)800));
    }

    [Fact]
    public void A_hundred_thousand_changes_are_looked_at_once()
    {
        var plan = PlannedNode.Of(null, 1, 2);
        var snapshot = PlannedNode.Snapshot(1, 2);
        ImmutableArray<RuleEncounter> changed =
        [
            .. Enumerable.Range(0, ManyChanges).Select(static i => new RuleEncounter(
                new PacketClass { Way = PacketWay.FromPod, Destinations = IntervalSet.Of(0x08000000 + (uint)i, 0x08000000 + (uint)i) }, 0, "elsewhere", "of nobody")),
            new RuleEncounter(new PacketClass { Way = PacketWay.FromPod, Sources = Only(2) }, 0, "table ip t", "of the second"),
            new RuleEncounter(new PacketClass { Way = PacketWay.FromPod, Sources = Only(1) }, 0, "table ip t", "of the first"),
        ];

        (IReadOnlyList<RuledPod> Pods, RuleEncounter First)? found = null;
        Allocated(() => found = RulePlanner.Concerned(plan, snapshot, changed)).ShouldBeLessThan(64 * Megabyte);

        found!.Value.First.Rule.ShouldBe("of the second");
        found.Value.Pods.Select(static pod => pod.Name).ShouldBe(["shop/pod2", "shop/pod1"]);
        RulePlanner.Concerned(plan, snapshot, changed[..ManyChanges]).ShouldBeNull();
    }

    [Theory]
    [InlineData(TcDirection.Egress, "fw", true)]
    [InlineData(TcDirection.Egress, "bpf", true)]
    [InlineData(TcDirection.Egress, "u32", true)]
    [InlineData(TcDirection.Egress, "matchall", false)]
    [InlineData(TcDirection.Ingress, "fw", false)]
    internal void A_filter_at_the_egress_of_the_nic_may_read_marks(TcDirection direction, string kind, bool reads)
    {
        var snapshot = Networks.Node with { Filters = Networks.Node.Filters.SetItem(Networks.Eth0, [new TcFilter(Networks.Eth0, direction, kind, 1, 1)]) };

        RulePlanner.MarksAreRead(PlannedNode.Of(null, 1), snapshot, HostRulesState.None, programs: false).ShouldBe(reads);
    }

    [Theory]
    [InlineData("bond", 77, 0, true)]
    [InlineData("vlan", 0, 78, true)]
    [InlineData("veth", 0, 78, false)]
    [InlineData("bond", 76, 0, false)]
    public void So_may_who_is_beneath_the_nic(string kind, int master, int below, bool reads)
    {
        var plan = PlannedNode.Of(null, 1);
        var snapshot = Networks.Node
            .With(Networks.Eth0Link with { Kind = kind, PeerIfIndex = below })
            .With(new Link { IfIndex = 78, Name = "lower", MasterIfIndex = master == 77 ? Networks.Eth0 : master });

        RulePlanner.MarksAreRead(plan, snapshot with { Qdiscs = snapshot.Qdiscs.SetItem(78, [new Qdisc(78, "htb", 1, Qdisc.Root)]) }, HostRulesState.None, programs: false)
            .ShouldBe(reads);
    }

    [Fact]
    public void So_may_a_queueing_discipline_of_somebody_s_choice_and_a_program_but_not_our_own_filter()
    {
        var plan = PlannedNode.Of(null, 1);
        var shaped = Networks.Node with { Qdiscs = Networks.Node.Qdiscs.SetItem(Networks.Eth0, [new Qdisc(Networks.Eth0, "htb", 1, Qdisc.Root)]) };
        var ours = Networks.Node with
        {
            Filters = Networks.Node.Filters.SetItem(Networks.Eth0, [new TcFilter(Networks.Eth0, TcDirection.Egress, "bpf", 1, 1, "oncache_node_eg")]),
        };

        RulePlanner.MarksAreRead(plan, shaped, HostRulesState.None, programs: false).ShouldBeTrue();
        RulePlanner.MarksAreRead(plan, Networks.Node, HostRulesState.None, programs: true).ShouldBeTrue();
        RulePlanner.MarksAreRead(plan, ours, HostRulesState.None, programs: false).ShouldBeFalse();
    }

    [Theory]
    [InlineData("eth0", false, "meta mark 0x7 drop", true)]
    [InlineData("eth0", false, "ip daddr 10.0.0.1 drop", false)]
    [InlineData("eth0", true, "meta mark 0x7 drop", false)]
    [InlineData("docker0", false, "meta mark 0x7 drop", false)]
    public void So_may_a_chain_of_nf_tables_at_the_egress_of_the_nic(string device, bool receives, string rule, bool reads)
    {
        var table = new HostTable(
            "netdev t",
            [new HostHook("c", [], HookStage.Incoming, Device: new DevicePattern(device, IsPrefix: false, IsNegated: false), DeviceReceives: receives)],
            ImmutableDictionary<string, HostChain>.Empty.Add("c", new HostChain("c", [new HostRule(rule, [], RuleVerdict.Drop) { Fingerprint = 1 }])));
        var rules = new HostRulesState(HostRulesState.None.Tables.Add(table.Name, table));

        RulePlanner.MarksAreRead(PlannedNode.Of(null, 1), Networks.Node, rules, programs: false).ShouldBe(reads);
    }

    [Fact]
    public void Until_rules_are_read_for_marks_all_is_kept_off_and_nothing_told()
    {
        var plan = RulePlanner.WithRules(PlannedNode.Of(null, 1), PlannedNode.Snapshot(1), [], [], static _ => false, marksAreUnread: true, before: null);

        plan.Regions.Ruled.ShouldHaveSingleItem();
        var entry = plan.Regions.Entries.ShouldHaveSingleItem();
        (entry.LocalMin, entry.LocalMax, entry.Protocol, entry.Scope).ShouldBe((0u, uint.MaxValue, (byte)0, RegionScope.Flows));
        RulePlanner.StatusOf(plan.Regions).Rules.ShouldBeEmpty();
    }

    private static IntervalSet Only(int pod) => IntervalSet.Of(PlannedNode.AddressOf(pod).Value, PlannedNode.AddressOf(pod).Value);

    private static RuleRegion Limit(string rule, PacketClass packets) => new(packets, RegionReach.Flows, rule, "table ip t, chain f", "limit");

    private static NodePlan With(IReadOnlyList<RuleRegion> rules, NodePlan? before, params int[] pods) =>
        WithRules(PlannedNode.Of(before, pods), PlannedNode.Snapshot(pods), rules, before);

    private static NodePlan WithRules(NodePlan plan, NetworkSnapshot snapshot, IReadOnlyList<RuleRegion> rules, NodePlan? before) =>
        RulePlanner.WithRules(plan, snapshot, rules, [], static _ => false, marksAreUnread: false, before?.Regions);

    private static AgentStatus Status(NodePlan plan) => StatusSample.Ready with { HostRules = RulePlanner.StatusOf(plan.Regions).Rules };

    private static long Allocated(Action action)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
