using OnCache.Agent.Kubernetes;
using OnCache.Kubernetes.Models;

namespace OnCache.Agent.Tests.Kubernetes;

public sealed class AgentRemovalTests
{
    private static readonly DateTimeOffset s_now = DateTimeOffset.UnixEpoch;

    private static readonly V1OwnerReference s_owner = new() { ApiVersion = "apps/v1", Kind = "DaemonSet", Name = "agent", Uid = "first", Controller = true };

    private static readonly V1DaemonSet s_daemonSet = new() { Metadata = new V1ObjectMeta { Name = "agent", Uid = "first" } };

    /// <summary>An agent that is restarted, upgraded, evicted: everything that it stands on is there.</summary>
    private static readonly AgentFooting s_restarted = new(
        new V1Pod
        {
            Metadata = new V1ObjectMeta { Name = "agent-x", NamespaceProperty = "home", DeletionTimestamp = s_now, OwnerReferences = [s_owner] },
            Spec = new V1PodSpec { ServiceAccountName = "account" },
        },
        new V1Namespace { Metadata = new V1ObjectMeta { Name = "home" } },
        HasAccount: true,
        new OwnerAnswer(IsKnown: true, s_daemonSet));

    [Fact]
    public void An_agent_that_is_restarted_is_not_removed() => AgentRemoval.ReasonOf(s_restarted).ShouldBeNull();

    [Fact]
    public void An_agent_whose_DaemonSet_is_gone_is_removed() =>
        AgentRemoval.ReasonOf(s_restarted with { Owner = new OwnerAnswer(IsKnown: true, null) }).ShouldBe("DaemonSet home/agent was deleted");

    [Theory]
    [InlineData("foregroundDeletion", "DaemonSet home/agent is being deleted")]
    [InlineData("example.com/other", "DaemonSet home/agent is being deleted")]
    [InlineData("orphan", null)]
    public void An_agent_whose_DaemonSet_is_being_deleted_is_removed_unless_it_leaves_its_pods_behind(string finalizer, string? expected) =>
        AgentRemoval.ReasonOf(s_restarted with { Owner = Deleted([finalizer]) }).ShouldBe(expected);

    [Fact]
    public void A_DaemonSet_made_anew_takes_over() => AgentRemoval.ReasonOf(
        s_restarted with { Owner = new OwnerAnswer(IsKnown: true, new V1DaemonSet { Metadata = s_daemonSet.Metadata with { Uid = "second" } }) }).ShouldBeNull();

    [Fact]
    public void An_agent_whose_namespace_goes_is_removed_whatever_else_is_known()
    {
        var leaving = new V1Namespace { Metadata = new V1ObjectMeta { Name = "home", DeletionTimestamp = s_now } };

        AgentRemoval.ReasonOf(s_restarted with { Namespace = leaving }).ShouldBe("namespace home is being deleted");
        AgentRemoval.ReasonOf(s_restarted with { Namespace = leaving, Owner = default }).ShouldNotBeNull();
        AgentRemoval.ReasonOf(s_restarted with { Namespace = null, Owner = default }).ShouldNotBeNull();
    }

    [Fact]
    public void An_agent_that_may_not_ask_is_removed_only_when_its_account_is_gone()
    {
        AgentRemoval.ReasonOf(s_restarted with { Owner = default }).ShouldBeNull();
        AgentRemoval.ReasonOf(s_restarted with { Owner = default, HasAccount = false }).ShouldBe("service account home/account was deleted");
    }

    [Fact]
    public void An_account_that_is_gone_is_no_reason_while_the_DaemonSet_is_known_to_stay() =>
        AgentRemoval.ReasonOf(s_restarted with { HasAccount = false }).ShouldBeNull();

    [Fact]
    public void A_pod_of_no_DaemonSet_is_never_removed()
    {
        V1Pod? Owned(params V1OwnerReference[] owners) => s_restarted.Pod! with { Metadata = s_restarted.Pod.Metadata with { OwnerReferences = owners } };
        foreach (var pod in new[] { null, Owned(), Owned(s_owner with { Kind = "Node", ApiVersion = "v1" }), Owned(s_owner with { Controller = null }) })
        {
            AgentRemoval.ReasonOf(new AgentFooting(pod, Namespace: null, HasAccount: false, new OwnerAnswer(IsKnown: true, null))).ShouldBeNull();
        }
    }

    [Theory]
    [InlineData(30L, null, 20)]
    [InlineData(30L, 15L, 5)]
    [InlineData(30L, 1L, 2)]
    [InlineData(10L, 60L, 2)]
    [InlineData(null, null, 2)]
    public void It_asks_for_what_the_pods_grace_period_leaves_beside_the_cleaning(long? granted, long? deletedWith, int seconds) => AgentRemoval.PatienceOf(
        s_restarted.Pod! with
        {
            Metadata = s_restarted.Pod.Metadata with { DeletionGracePeriodSeconds = deletedWith },
            Spec = s_restarted.Pod.Spec with { TerminationGracePeriodSeconds = granted },
        }).ShouldBe(TimeSpan.FromSeconds(seconds));

    private static OwnerAnswer Deleted(string[] finalizers) =>
        new(IsKnown: true, s_daemonSet with { Metadata = s_daemonSet.Metadata with { DeletionTimestamp = s_now, Finalizers = finalizers } });
}
