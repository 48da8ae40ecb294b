using OnCache.Agent.Coherence;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;

namespace OnCache.Agent.Tests.Coherence;

/// <summary>Each event, its named cause, and the endpoints it concerns.</summary>
public sealed class FlushRulesTests
{
    private static readonly LocalPod s_web = Observed.Pod("web", "10.244.1.2");
    private static readonly LocalPod s_db = Observed.Pod("db", "10.244.1.3");
    private static readonly LocalPod s_other = Observed.Pod("other", "10.244.1.4", home: "bank", app: "web");
    private static readonly ClusterView s_view = ClusterView.Empty.After(
        s_web.Event(),
        s_db.Event(),
        s_other.Event(),
        new NamespaceObserved("shop", Observed.Labels()),
        new NamespaceObserved("bank", Observed.Labels(("team", "red"))));

    [Fact]
    public void A_pod_that_gets_its_address_is_new_and_learns_at_once()
    {
        var pending = Observed.Pod("new");
        s_view.Plans(pending.Event()).ShouldBeEmpty();

        Check(s_view.After(pending.Event()).Plans(Observed.Pod("new", "10.244.1.9").Event()), FlushCause.PodAdded, settle: false, "new");
    }

    [Fact]
    public void A_pod_that_goes_takes_its_verdicts_along() =>
        Check(s_view.Plans(new PodObserved(s_web.Uid, Pod: null)), FlushCause.PodDeleted, settle: true, "web");

    [Fact]
    public void A_pod_that_completes_owns_its_address_no_longer()
    {
        var ended = Observed.Pod("web", hasEnded: true);

        Check(s_view.Plans(ended.Event()), FlushCause.PodCompleted, settle: true, "web");
        s_view.After(ended.Event()).Plans(new PodObserved(s_web.Uid, Pod: null)).ShouldBeEmpty("it was flushed when it ended");
    }

    [Fact]
    public void An_address_that_passes_on_is_flushed_when_the_new_owner_is_seen_and_not_again_when_the_old_one_goes()
    {
        var heir = Observed.Pod("heir", "10.244.1.2");

        Check(s_view.Plans(heir.Event()), FlushCause.PodReplaced, settle: true, "heir");
        s_view.After(heir.Event()).Plans(new PodObserved(s_web.Uid, Pod: null)).ShouldBeEmpty("the entry is the heir's by now");
    }

    [Fact]
    public void A_pod_that_changes_its_address_leaves_both() =>
        Check(s_view.Plans(Observed.Pod("web", "10.244.1.9").Event()), FlushCause.PodReplaced, settle: true, "web", "web");

    [Fact]
    public void A_change_that_no_verdict_depends_on_concerns_nobody()
    {
        s_view.Plans(s_web.Event()).ShouldBeEmpty();
        s_view.Plans(new NamespaceObserved("bank", Observed.Labels(("team", "red")))).ShouldBeEmpty();
        var policy = Observed.Policy("deny", app: null);
        s_view.After(policy.Event())
            .Plans((policy with { Metadata = policy.Metadata with { ResourceVersion = "99", Annotations = Observed.Labels(("a", "b")) } }).Event())
            .ShouldBeEmpty("the rules are the same");
    }

    [Fact]
    public void Labels_of_a_pod_concern_the_pod_and_those_whose_policies_name_it_otherwise()
    {
        var view = s_view.After(
            Observed.Policy("a", "db", new V1NetworkPolicyPeer { PodSelector = Observed.Selector(("app", "web")) }).Event(),
            Observed.Policy("b", "db", new V1NetworkPolicyPeer { PodSelector = Observed.Selector(("role", "x")) }).Event());

        Check(view.Plans(Observed.Pod("web", "10.244.1.2", app: "batch").Event()), FlushCause.PodLabelsChanged, settle: true, "db", "web");
        Check(view.Plans((s_web with { Labels = Observed.Labels(("app", "web"), ("v", "2")) }).Event()), FlushCause.PodLabelsChanged, settle: true, "web");
        Check(view.Plans((s_other with { Labels = Observed.Labels(("app", "y")) }).Event()), FlushCause.PodLabelsChanged, settle: true, "other");
    }

    [Fact]
    public void Labels_of_a_namespace_concern_those_whose_policies_name_it_otherwise()
    {
        var view = s_view.After(
            Observed.Policy("a", "db", new V1NetworkPolicyPeer { NamespaceSelector = Observed.Selector(("team", "red")) }).Event(),
            Observed.Policy("b", "web", new V1NetworkPolicyPeer { NamespaceSelector = Observed.Selector() }).Event());

        Check(view.Plans(new NamespaceObserved("bank", Observed.Labels(("team", "blue")))), FlushCause.NamespaceLabelsChanged, settle: true, "db");
        view.Plans(new NamespaceObserved("bank", Observed.Labels(("team", "red"), ("cost", "1")))).ShouldBeEmpty();
        view.Plans(new NamespaceObserved("new", Observed.Labels(("team", "red")))).ShouldBeEmpty("it has no pods yet");
        view.Plans(new NamespaceObserved("bank", Labels: null)).ShouldBeEmpty("it has none left");
    }

    [Fact]
    public void A_policy_concerns_those_it_selects_before_or_after()
    {
        var policy = Observed.Policy("deny", "web");
        Check(s_view.Plans(policy.Event()), FlushCause.NetworkPolicyAdded, settle: true, "web");

        var view = s_view.After(policy.Event());
        Check(view.Plans(policy.Again(spec => spec with { PodSelector = Observed.Selector(("app", "db")) }).Event()), FlushCause.NetworkPolicyChanged, settle: true, "db", "web");
        Check(view.Plans(new NetworkPolicyObserved(new NamespacedName("shop", "deny"), Policy: null)), FlushCause.NetworkPolicyDeleted, settle: true, "web");
        view.Plans(Observed.Policy("nobody", "absent").Event()).ShouldBeEmpty();
    }

    [Fact]
    public void A_policy_of_another_uid_is_another_one() => Check(
        s_view.After(Observed.Policy("deny", "web").Event())
            .Plans(new NetworkPolicyObserved(new NamespacedName("shop", "deny"), Reborn(Observed.Policy("deny", "web")))),
        FlushCause.NetworkPolicyChanged,
        settle: true,
        "web");

    [Fact]
    public void A_pod_without_an_address_is_held_for_when_it_gets_one()
    {
        var pending = Observed.Pod("pending", app: "web");
        var plan = s_view.After(pending.Event()).Plans(Observed.Policy("deny", "web").Event()).ShouldHaveSingleItem();

        plan.Endpoints.ShouldNotBeNull().ShouldContain(new FlushTarget(pending.Uid, Address: null));
    }

    [Fact]
    public void After_a_gap_all_that_a_policy_selects_are_flushed_and_nobody_else()
    {
        s_view.Plans(new NetworkPolicyGap()).ShouldBeEmpty();
        Check(s_view.After(Observed.Policy("deny", "web").Event()).Plans(new NetworkPolicyGap()), FlushCause.WatchGap, settle: true, "web");
    }

    [Fact]
    public void What_changed_in_a_gap_may_have_been_anything_in_between()
    {
        var view = s_view.After(Observed.Policy("a", "db", new V1NetworkPolicyPeer { NamespaceSelector = Observed.Selector(("team", "blue")) }).Event());

        Check(view.Plans(s_web.Event(afterGap: true)), FlushCause.WatchGap, settle: true, "db", "web");
        Check(view.Plans(new NamespaceObserved("bank", Observed.Labels(("team", "red")), AfterGap: true)), FlushCause.WatchGap, settle: true, "db");
    }

    [Fact]
    public void A_policy_of_the_CNI_concerns_its_namespace_where_its_kind_is_known_to_and_everything_else()
    {
        var confined = new CniPolicy(CniPolicyKind.Parse("networkpolicies.crd.antrea.io").ShouldNotBeNull(), new NamespacedName("bank", "p"));
        var wide = new CniPolicy(CniPolicyKind.Parse("ciliumclusterwidenetworkpolicies.cilium.io").ShouldNotBeNull(), NamespacedName.ClusterScoped("p"));
        var unknown = new CniPolicy(CniPolicyKind.Parse("rules.example.org").ShouldNotBeNull(), new NamespacedName("bank", "p"));

        Check(s_view.Plans(new CniPolicyObserved(confined, "1")), FlushCause.CniPolicyChanged, settle: true, "other");
        s_view.After(new CniPolicyObserved(confined, "1")).Plans(new CniPolicyObserved(confined, "1")).ShouldBeEmpty();
        Check(s_view.After(new CniPolicyObserved(confined, "1")).Plans(new CniPolicyObserved(confined, Version: null)), FlushCause.CniPolicyChanged, settle: true, "other");
        foreach (var policy in new[] { wide, unknown })
        {
            var plan = s_view.Plans(new CniPolicyObserved(policy, "1")).ShouldHaveSingleItem();
            (plan.Cause, plan.Settle).ShouldBe((FlushCause.CniPolicyChanged, true));
            plan.Endpoints.ShouldBeNull();
        }

        var gap = s_view.Plans(new CniPolicyGap(wide.Kind)).ShouldHaveSingleItem();
        (gap.Cause, gap.Endpoints).ShouldBe((FlushCause.WatchGap, null));
    }

    [Fact]
    public void Where_the_CNI_has_policies_of_its_own_a_namespace_s_labels_may_concern_anyone()
    {
        var policy = new CniPolicy(CniPolicyKind.Known[0], new NamespacedName("bank", "p"));

        s_view.After(new CniPolicyObserved(policy, "1")).Plans(new NamespaceObserved("bank", Observed.Labels())).ShouldHaveSingleItem().Endpoints.ShouldBeNull();
    }

    [Fact]
    public void The_operator_s_signal_concerns_those_that_the_named_policies_select()
    {
        var view = s_view.After(Observed.Policy("a", "web").Event(), Observed.Policy("b", "db").Event(), Signal(7, "a"));

        s_view.Plans(Signal(7, "a")).ShouldBeEmpty("before the first there was nothing to hold valid");
        view.Plans(Signal(7, "a")).ShouldBeEmpty();
        Check(view.Plans(Signal(8, "b")), FlushCause.PeerSignal, settle: true, "db");
    }

    [Fact]
    public void A_signal_that_was_missed_or_names_what_is_not_known_concerns_all_that_any_policy_selects()
    {
        var view = s_view.After(Observed.Policy("a", "web").Event(), Observed.Policy("b", "db").Event(), Signal(7));

        Check(view.Plans(Signal(9, "a")), FlushCause.PeerSignal, settle: true, "db", "web");
        Check(view.Plans(Signal(1, "a")), FlushCause.PeerSignal, settle: true, "db", "web");
        Check(view.Plans(Signal(8, "unknown")), FlushCause.PeerSignal, settle: true, "db", "web");
        Check(view.Plans(new PeersSignalled(8, Policies: null)), FlushCause.PeerSignal, settle: true, "db", "web");
        s_view.After(Signal(7)).Plans(Signal(9)).ShouldBeEmpty("no policy, nobody");
    }

    [Theory]
    [InlineData("networkpolicies.crd.antrea.io", "networkpolicies", "crd.antrea.io")]
    [InlineData("networkpolicies", null, null)]
    [InlineData(".crd.antrea.io", null, null)]
    [InlineData("Policies.example.org", null, null)]
    public void A_kind_is_named_like_its_definition(string text, string? plural, string? group)
    {
        var kind = CniPolicyKind.Parse(text);

        (kind?.Plural, kind?.Group).ShouldBe((plural, group));
    }

    private static PeersSignalled Signal(long revision, params string[] policies) =>
        new(revision, [.. policies.Select(static name => new NamespacedName("shop", name))]);

    private static V1NetworkPolicy Reborn(V1NetworkPolicy policy) => policy with { Metadata = policy.Metadata with { Uid = "another" } };

    private static void Check(IReadOnlyList<FlushPlan> plans, FlushCause cause, bool settle, params string[] names)
    {
        var plan = plans.ShouldHaveSingleItem();
        (plan.Cause, plan.Settle).ShouldBe((cause, settle));
        plan.Names().ShouldBe(names);
        plan.Subject.ShouldNotBeNullOrEmpty();
    }
}
