using System.Collections.Immutable;

using OnCache.Agent.Bpf;
using OnCache.Agent.Daemon;
using OnCache.Agent.Net;
using OnCache.Agent.Rules;
using OnCache.Agent.Tests.Topology;

namespace OnCache.Agent.Tests.Daemon;

/// <summary>Programs of others at tcx hooks: who is asked, and in which words the answer is told.</summary>
public sealed class ForeignProgramsTests
{
    private const int NotPermitted = 1;

    private readonly Dictionary<(int Device, TcDirection Direction), string[]> _programs = [];
    private readonly HashSet<int> _silent = [];
    private readonly List<int> _asked = [];
    private readonly ForeignPrograms _foreign;

    public ForeignProgramsTests() => _foreign = new ForeignPrograms((device, direction, _) =>
    {
        _asked.Add(device);
        return _silent.Contains(device) ? throw new BpfException("query", NotPermitted) : _programs.GetValueOrDefault((device, direction), []);
    });

    [Fact]
    public void A_hook_is_asked_when_a_plan_first_has_it_and_then_when_somebody_looks()
    {
        var plan = PlannedNode.Of(null, 1);
        _ = Regions(plan, 1);
        _asked.ShouldContain(101);
        _asked.ShouldContain(Networks.Cni0);
        _asked.ShouldContain(Networks.Flannel);
        _asked.ShouldContain(Networks.Eth0);

        _asked.Clear();
        _programs[(102, TcDirection.Egress)] = ["theirs"];
        var found = Regions(PlannedNode.Of(plan, 1, 2), 1, 2);

        _asked.ShouldBe([102, 102], "the others are asked with the next look");
        found.ShouldHaveSingleItem().Packets.PodDevices.ShouldHaveSingleItem().Name.ShouldBe("veth2");
        Look().ShouldBeFalse();
        _programs[(Networks.Cni0, TcDirection.Ingress)] = ["theirs"];
        Look().ShouldBeTrue();
    }

    [Fact]
    public void A_hook_that_cannot_be_read_keeps_off_what_passes_it()
    {
        _ = _silent.Add(101);

        var regions = Regions(PlannedNode.Of(null, 1, 2), 1, 2);

        regions.ShouldAllBe(static region => region.Reason == "cannot be read" && region.Rule.Contains("Operation not permitted", StringComparison.Ordinal));
        Names(regions).ShouldBe(["veth1", "veth1"]);
    }

    [Fact]
    public void Neither_the_pod_s_device_nor_the_program_s_number_is_part_of_what_is_told()
    {
        _programs[(101, TcDirection.Egress)] = [""];
        _programs[(102, TcDirection.Egress)] = [""];

        var regions = Regions(PlannedNode.Of(null, 1, 2), 1, 2);

        regions.Select(static region => (region.Where, region.Rule)).Distinct().ShouldBe([("pods' veths", "tcx program at the egress of pods' veths")]);
        Names(regions).ShouldBe(["veth1", "veth2"]);
    }

    [Fact]
    public void A_program_that_went_with_its_pod_may_come_with_the_next_and_is_told_on()
    {
        _programs[(101, TcDirection.Egress)] = ["theirs"];
        var plan = PlannedNode.Of(null, 1, 2);
        var rule = Regions(plan, 1, 2).ShouldHaveSingleItem().Rule;

        plan = PlannedNode.Of(plan, 2);
        var left = Regions(plan, 2).ShouldHaveSingleItem();

        left.Rule.ShouldBe(rule);
        RulePlanner.WithRules(plan, PlannedNode.Snapshot(2), [], [left], static _ => false, marksAreUnread: false, before: null).Regions.Ruled.ShouldBeEmpty();
    }

    [Fact]
    public void A_program_that_was_taken_off_a_pod_that_lives_has_gone()
    {
        _programs[(101, TcDirection.Egress)] = ["theirs"];
        var plan = PlannedNode.Of(null, 1);
        _ = Regions(plan, 1);

        _programs.Clear();
        Look().ShouldBeTrue();

        Regions(plan, 1).ShouldBeEmpty();
    }

    [Fact]
    public void A_program_that_one_pod_has_lost_and_another_has_is_still_there()
    {
        _programs[(101, TcDirection.Egress)] = ["theirs"];
        _programs[(102, TcDirection.Egress)] = ["theirs"];
        var plan = PlannedNode.Of(null, 1, 2);
        _ = Regions(plan, 1, 2);

        _ = _programs.Remove((101, TcDirection.Egress));
        _ = Look();

        Names(Regions(plan, 1, 2)).ShouldBe(["veth2"]);
    }

    [Fact]
    public void A_program_at_the_egress_of_the_nic_keeps_nothing_off_but_may_read_marks()
    {
        _foreign.MayReadMarks.ShouldBeFalse();
        _programs[(Networks.Eth0, TcDirection.Egress)] = ["theirs"];

        Regions(PlannedNode.Of(null, 1), 1).ShouldBeEmpty();

        _foreign.MayReadMarks.ShouldBeTrue();
    }

    private ImmutableArray<RuleRegion> Regions(NodePlan plan, params int[] pods) => _foreign.Of(plan, PlannedNode.Snapshot(pods));

    private static IEnumerable<string> Names(IEnumerable<RuleRegion> regions) => regions.Select(static region => region.Packets.PodDevices[0].Name);

    private bool Look() => _foreign.Take(_foreign.Ask(_foreign.Hooks));
}
