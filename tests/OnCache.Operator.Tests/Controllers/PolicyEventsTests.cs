using OnCache.Api;
using OnCache.Operator.Controllers;

namespace OnCache.Operator.Tests.Controllers;

public sealed class PolicyEventsTests
{
    private static readonly OverlayCachePolicyStatus Pending = Status((ConditionType.Accepted, true, "Accepted"), (ConditionType.Ready, false, "Pending"));
    private static readonly OverlayCachePolicyStatus Ready = Status((ConditionType.Accepted, true, "Accepted"), (ConditionType.Ready, true, "Programmed"));
    private static readonly OverlayCachePolicyStatus Invalid = Status((ConditionType.Accepted, false, "Invalid"), (ConditionType.Stalled, true, "Invalid"));
    private static readonly OverlayCachePolicyStatus Conflicted = Status((ConditionType.Accepted, false, "Conflicted"), (ConditionType.Stalled, true, "Conflicted"));
    private static readonly OverlayCachePolicyStatus Failed = Status((ConditionType.Accepted, true, "Accepted"), (ConditionType.Stalled, true, "Failed"));

    [Fact]
    public void A_policy_is_accepted_once_and_ready_once()
    {
        Reasons(null, Pending).ShouldBe(["Accepted"]);
        Reasons(Pending, Pending).ShouldBeEmpty();
        Reasons(Pending, Ready).ShouldBe(["Programmed"]);
        Reasons(Ready, Ready with { Nodes = new PolicyNodes(7, 7, 0) }).ShouldBeEmpty();
    }

    [Fact]
    public void A_refusal_and_a_failure_are_warnings()
    {
        PolicyEvents.Between(null, Invalid).ShouldHaveSingleItem().IsWarning.ShouldBeTrue();
        PolicyEvents.Between(Ready, Failed).ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            happened => happened.IsWarning.ShouldBeTrue(),
            happened => happened.Reason.ShouldBe("Failed"));
    }

    [Fact]
    public void Another_reason_to_refuse_is_told_and_the_same_is_not()
    {
        Reasons(Invalid, Conflicted).ShouldBe(["Conflicted"]);
        Reasons(Conflicted, Conflicted).ShouldBeEmpty();
        Reasons(Conflicted, Pending).ShouldBe(["Accepted"]);
    }

    private static IEnumerable<string> Reasons(OverlayCachePolicyStatus? before, OverlayCachePolicyStatus after) =>
        PolicyEvents.Between(before, after).Select(happened => happened.Reason);

    private static OverlayCachePolicyStatus Status(params (string Type, bool Holds, string Reason)[] conditions) => new()
    {
        Conditions = [.. conditions.Select(item => new Condition(item.Type, item.Holds ? ConditionStatus.True : ConditionStatus.False, item.Reason, "", 1, default))],
    };
}
