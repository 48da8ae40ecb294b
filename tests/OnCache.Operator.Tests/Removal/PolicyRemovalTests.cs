using OnCache.Api;
using OnCache.Operator.Removal;
using OnCache.Operator.Status;

namespace OnCache.Operator.Tests.Removal;

public sealed class PolicyRemovalTests
{
    private static readonly DateTimeOffset Deleted = DateTimeOffset.UnixEpoch;
    private static readonly HashSet<string> Covered = ["n1", "n2"];

    [Fact]
    public void It_waits_for_the_agents_of_the_nodes_it_covered()
    {
        var verdict = Decide(Report("n1", generation: 2, observed: 1), Report("n2", generation: 2, observed: 2));

        verdict.IsDone.ShouldBeFalse();
        verdict.Missing.ShouldBe(["n1"]);
    }

    [Fact]
    public void It_waits_while_a_configuration_is_still_to_be_written() => Decide(
        Report("n1", generation: 2, observed: 2) with { InStep = false }).Missing.ShouldBe(["n1"]);

    [Fact]
    public void It_waits_for_a_node_that_left_the_selector_but_still_reports_the_policy() => Decide(
        Report("n9", generation: 2, observed: 1, "p")).Missing.ShouldBe(["n9"]);

    [Fact]
    public void Other_nodes_are_none_of_its_business() => Decide(Report("n9", generation: 2, observed: 1, "other")).IsDone.ShouldBeTrue();

    [Fact]
    public void A_node_that_never_had_an_agent_is_not_waited_for() => Decide(new NodeReport("n1", InStep: true, 1, Status: null)).IsDone.ShouldBeTrue();

    [Fact]
    public void A_node_that_is_gone_is_not_waited_for() => Decide().IsDone.ShouldBeTrue();

    [Fact]
    public void Waiting_ends_with_the_deadline_and_names_who_was_missing()
    {
        var report = Report("n1", generation: 2, observed: 1);

        PolicyRemoval.Decide("p", Deleted, Covered, [report], Deleted + PolicyRemoval.Deadline - TimeSpan.FromTicks(1)).IsDone.ShouldBeFalse();

        var verdict = PolicyRemoval.Decide("p", Deleted, Covered, [report], Deleted + PolicyRemoval.Deadline);
        verdict.IsDone.ShouldBeTrue();
        verdict.Missing.ShouldBe(["n1"]);
    }

    private static RemovalVerdict Decide(params NodeReport[] reports) => PolicyRemoval.Decide("p", Deleted, Covered, reports, Deleted);

    private static NodeReport Report(string node, long generation, long observed, params string[] policies) => new(node, InStep: true, generation, new NodeCacheConfigStatus
    {
        ObservedGeneration = observed,
        Policies = [.. policies.Select(name => new PolicyEndpoints(name, 0, 0))],
    });
}
