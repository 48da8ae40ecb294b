using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using OnCache.Api;
using OnCache.Kubernetes.Serialization;
using OnCache.Operator.Compilation;
using OnCache.Operator.Status;

namespace OnCache.Operator.Tests.Status;

/// <summary>What holds of a policy's status whatever the nodes report.</summary>
public sealed class StatusProperties
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(1);

    private static readonly Gen<NodeReport> Reports =
        from node in Gen.Choose(0, 40)
        from inStep in Gen.Elements(true, true, false)
        from observed in Gen.Elements(1L, 1L, 2L)
        from status in Gen.Elements(Enum.GetValues<ConditionStatus>())
        from reason in Gen.Elements(ConditionReason.Programmed, ConditionReason.Pending, ConditionReason.Failed)
        from length in Gen.Elements(0, 10, 253, 255, 256, 257, 5000)
        from filler in Gen.Elements("x", "\n", "\U0001F600")
        from selected in Gen.Choose(0, 5)
        from silent in Gen.Elements(true, false, false)
        select new NodeReport($"n{node}", inStep, 1, silent ? null : new NodeCacheConfigStatus
        {
            ObservedGeneration = observed,
            Conditions = [new Condition(ConditionType.Programmed, status, reason, string.Concat(Enumerable.Repeat(filler, length)), observed, Now)],
            Policies = [new PolicyEndpoints("p", selected, selected / 2)],
        });

    private static readonly Arbitrary<(CompiledPolicy Policy, Dictionary<string, NodeReport> Reports)> Cases = (
        from nodes in Gen.SubListOf(Enumerable.Range(0, 40))
        from reports in Gen.ListOf(Reports)
        from acceptance in Gen.Elements(
            Acceptance.Yes,
            Acceptance.Yes,
            new Acceptance(ConditionReason.Invalid, new string('y', 1000)),
            new Acceptance(ConditionReason.TargetNotFound, "none"))
        select (
            new CompiledPolicy(
                new ClusterPolicy("p", 7, Now, new OverlayCachePolicySpec()),
                acceptance,
                [.. nodes.Select(i => $"n{i}").Order(StringComparer.Ordinal)],
                nodes.Count > 20 ? new Dictionary<string, string>(StringComparer.Ordinal) { [$"n{nodes[0]}"] = "no room" } : new Dictionary<string, string>(StringComparer.Ordinal)),
            reports.GroupBy(report => report.Node, StringComparer.Ordinal).ToDictionary(same => same.Key, same => same.First(), StringComparer.Ordinal)))
        .ToArbitrary();

    [Fact]
    public void Messages_are_at_most_256_characters_of_whole_text_on_one_line() => Check(status =>
        status.Conditions.Select(condition => condition.Message).Append(status.Message ?? "").All(message =>
            message.Length <= 256 && !message.Contains('\n', StringComparison.Ordinal) && IsWhole(message)));

    [Fact]
    public void The_status_stays_small_however_many_nodes_there_are() => Check(status =>
        JsonSerializer.Serialize(status, KubernetesJson.Options).Length < 8000);

    [Fact]
    public void Counts_add_up() => Check(status =>
        status.Nodes.Programmed + status.Nodes.Failed <= status.Nodes.Selected && status.Pods.Accelerated <= status.Pods.Selected);

    [Fact]
    public void A_policy_that_is_not_accepted_is_neither_ready_nor_healthy() => Check(status =>
        Holds(status, ConditionType.Accepted) == true
        || (Holds(status, ConditionType.Ready) == false && Holds(status, ConditionType.Stalled) == true && Holds(status, ConditionType.Reconciling) is null));

    [Fact]
    public void Abnormal_conditions_are_present_only_while_true_and_never_both() => Check(status =>
        Holds(status, ConditionType.Stalled) != false
        && Holds(status, ConditionType.Reconciling) != false
        && !(Holds(status, ConditionType.Stalled) == true && Holds(status, ConditionType.Reconciling) == true));

    [Fact]
    public void What_is_not_ready_is_either_under_way_or_stalled() => Check(status =>
        Holds(status, ConditionType.Ready) == true
            == (Holds(status, ConditionType.Stalled) is null && Holds(status, ConditionType.Reconciling) is null));

    [Fact]
    public void Every_condition_speaks_of_the_generation() => Check(status =>
        status.ObservedGeneration == 7 && status.Conditions.All(condition => condition.ObservedGeneration == 7));

    [Fact]
    public void Aggregating_again_later_changes_nothing() => Prop.ForAll(Cases, item =>
    {
        var first = StatusAggregator.Aggregate(item.Policy, item.Reports, before: null, Now);
        var again = StatusAggregator.Aggregate(item.Policy, item.Reports, first, Now.AddHours(1));
        return JsonSerializer.Serialize(first) == JsonSerializer.Serialize(again);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    private static bool? Holds(OverlayCachePolicyStatus status, string type) =>
        status.Conditions.SingleOrDefault(condition => condition.Type == type) is { } condition ? condition.Status == ConditionStatus.True : null;

    private static bool IsWhole(string text) =>
        text.Select((c, i) => (c, i)).All(item =>
            !char.IsSurrogate(item.c)
            || (char.IsHighSurrogate(item.c) ? item.i + 1 < text.Length && char.IsLowSurrogate(text[item.i + 1]) : item.i > 0 && char.IsHighSurrogate(text[item.i - 1])));

    private static void Check(Func<OverlayCachePolicyStatus, bool> property) =>
        Prop.ForAll(Cases, item => property(StatusAggregator.Aggregate(item.Policy, item.Reports, before: null, Now)))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(300));
}
