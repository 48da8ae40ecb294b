using OnCache.Api;
using OnCache.Kubernetes.Models;
using OnCache.Operator.Controllers;
using OnCache.Operator.Peers;

namespace OnCache.Operator.Tests.Controllers;

public sealed class ReconcilePlannerTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(1);
    private static readonly V1Node Node = new() { Metadata = new V1ObjectMeta { Name = "n1", Uid = "node-uid" } };

    private static readonly V1Alpha1OverlayCachePolicy Policy = new()
    {
        Metadata = new V1ObjectMeta { Name = "p", Uid = "policy-uid", Generation = 1, CreationTimestamp = DateTimeOffset.UnixEpoch },
    };

    private readonly ReconcilePlanner _planner = new();

    [Fact]
    public void For_a_new_policy_every_node_gets_its_configuration_and_the_policy_its_status()
    {
        var plan = Plan([Policy], [Node], []);

        var config = plan.Apply.ShouldHaveSingleItem();
        config.Metadata.Name.ShouldBe("n1");
        config.Metadata.OwnerReferences.ShouldHaveSingleItem().Uid.ShouldBe("node-uid");
        config.Spec.Policies.ShouldHaveSingleItem().Name.ShouldBe("p");
        plan.Statuses.ShouldHaveSingleItem().Status.Conditions.ShouldContain(condition => condition.Type == ConditionType.Reconciling);
    }

    [Fact]
    public void What_is_as_it_should_be_is_left_alone()
    {
        var first = Plan([Policy], [Node], []);
        var written = first.Apply[0] with { Metadata = first.Apply[0].Metadata with { Generation = 1 } };
        var settled = Plan([Policy], [Node], [written]);
        var policy = Policy with { Status = settled.Statuses.ShouldHaveSingleItem().Status };

        var idle = _planner.Plan(new ClusterView([policy], [Node], [written]), new Dictionary<string, string>(), SignalBatch.None, Now.AddHours(1));

        idle.Release.ShouldBeEmpty();
        idle.Apply.ShouldBeEmpty();
        idle.Delete.ShouldBeEmpty();
        idle.Statuses.ShouldBeEmpty();
    }

    [Fact]
    public void A_signal_is_written_beside_the_policies_and_leaves_the_status_alone()
    {
        var stored = Plan([Policy], [Node], []).Apply[0];
        stored = stored with
        {
            Metadata = stored.Metadata with { Generation = 3 },
            Status = new NodeCacheConfigStatus
            {
                ObservedGeneration = 3,
                Conditions = [new Condition(ConditionType.Programmed, ConditionStatus.True, ConditionReason.Programmed, "in force", 3, Now)],
            },
        };
        var policy = Policy with { Status = Plan([Policy], [Node], [stored]).Statuses.ShouldHaveSingleItem().Status };
        var signal = new PeerSignal { Revision = 8, NetworkPolicies = ["shop/db"] };
        var batch = new SignalBatch(new Dictionary<string, PeerSignal>(StringComparer.Ordinal) { ["n1"] = signal }, new HashSet<string>(StringComparer.Ordinal) { "n1" }, Wait: null);

        var due = _planner.Plan(new ClusterView([policy], [Node], [stored]), new Dictionary<string, string>(StringComparer.Ordinal), batch, Now);
        due.Apply.ShouldHaveSingleItem().Spec.ShouldBe(stored.Spec with { PeerSignal = signal, Policies = due.Apply[0].Spec.Policies, Exclusions = due.Apply[0].Spec.Exclusions, CacheSizes = due.Apply[0].Spec.CacheSizes });
        due.Statuses.ShouldBeEmpty();

        var told = stored with { Spec = due.Apply[0].Spec, Metadata = stored.Metadata with { Generation = 4 } };
        var after = _planner.Plan(new ClusterView([policy], [Node], [told]), new Dictionary<string, string>(StringComparer.Ordinal), SignalBatch.None, Now);
        after.Apply.ShouldBeEmpty();
        after.Statuses.ShouldBeEmpty();
    }

    [Fact]
    public void A_change_of_policies_keeps_the_signal_and_has_to_be_reported_anew()
    {
        var signal = new PeerSignal { Revision = 8, All = true };
        var stored = Plan([Policy], [Node], []).Apply[0];
        stored = stored with { Spec = stored.Spec with { PeerSignal = signal } };
        var changed = Policy with { Spec = Policy.Spec with { Lease = TimeSpan.FromSeconds(7) } };

        Plan([changed], [Node], [stored]).Apply.ShouldHaveSingleItem().Spec.PeerSignal.ShouldBe(signal);

        var generations = new PolicyGenerations();
        generations.Since("n1", new V1ObjectMeta { Uid = "a", Generation = 3 }, "old").ShouldBe(3);
        generations.Since("n1", new V1ObjectMeta { Uid = "a", Generation = 4 }, "old").ShouldBe(3);
        generations.Since("n1", new V1ObjectMeta { Uid = "a", Generation = 5 }, "new").ShouldBe(5);
        generations.Since("n1", new V1ObjectMeta { Uid = "b", Generation = 1 }, "new").ShouldBe(1);
    }

    [Fact]
    public void A_configuration_that_somebody_changed_is_written_again()
    {
        var right = Plan([Policy], [Node], []).Apply[0];
        right.Metadata.Uid.ShouldBeNull("it is to be created");

        var wrong = right with { Metadata = right.Metadata with { Uid = "config-uid" }, Spec = right.Spec with { Lease = TimeSpan.FromSeconds(29) } };
        Plan([Policy], [Node], [wrong]).Apply.ShouldHaveSingleItem().Metadata.Uid.ShouldBe("config-uid");
    }

    [Fact]
    public void A_node_that_came_back_under_its_old_name_owns_its_configuration_anew()
    {
        var right = Plan([Policy], [Node], []).Apply[0];

        var plan = Plan([Policy], [Node with { Metadata = Node.Metadata with { Uid = "another" } }], [right]);

        plan.Apply.ShouldHaveSingleItem().Metadata.OwnerReferences.ShouldHaveSingleItem().Uid.ShouldBe("another");
    }

    [Fact]
    public void The_configuration_of_a_node_that_is_gone_goes()
    {
        var left = Plan([Policy], [Node], []).Apply[0];

        Plan([Policy], [], [left]).Delete.ShouldHaveSingleItem().Metadata.Name.ShouldBe("n1");
        Plan([Policy], [], [left with { Metadata = left.Metadata with { DeletionTimestamp = Now } }]).Delete.ShouldBeEmpty();
    }

    [Fact]
    public void A_deleted_policy_is_out_of_force_at_once_also_while_somebody_holds_it()
    {
        var before = Plan([Policy], [Node], []).Apply[0];
        var deleted = Policy with { Metadata = Policy.Metadata with { DeletionTimestamp = Now, Finalizers = ["example.com/other"] } };

        Plan([], [Node], [before]).Apply.ShouldHaveSingleItem().Spec.Policies.ShouldBeEmpty();
        var held = Plan([deleted], [Node], [before]);
        held.Apply.ShouldHaveSingleItem().Spec.Policies.ShouldBeEmpty();
        held.Statuses.ShouldBeEmpty();
        held.Release.ShouldBeEmpty();
    }

    [Fact]
    public void The_finalizer_of_earlier_releases_is_taken_off_deleted_or_not()
    {
        var held = Policy with { Metadata = Policy.Metadata with { Finalizers = [ApiGroup.FlushFinalizer] } };

        Plan([held], [Node], []).Release.ShouldHaveSingleItem();
        Plan([held with { Metadata = held.Metadata with { DeletionTimestamp = Now } }], [Node], []).Release.ShouldHaveSingleItem();
    }

    [Fact]
    public void Why_a_configuration_cannot_be_written_is_told_in_the_status()
    {
        var plan = _planner.Plan(new ClusterView([Policy], [Node], []), new Dictionary<string, string>(StringComparer.Ordinal) { ["n1"] = "forbidden" }, SignalBatch.None, Now);

        plan.Statuses.ShouldHaveSingleItem().Status.Message.ShouldBe("node n1: forbidden");
    }

    [Fact]
    public void The_order_of_labels_in_the_stored_object_makes_no_difference()
    {
        var spec = new OverlayCachePolicySpec { PodSelector = new() { MatchLabels = Ordered("b", "a") } };
        var policy = Policy with { Spec = spec };
        var right = Plan([policy], [Node], []).Apply[0];
        var stored = right with
        {
            Spec = right.Spec with { Policies = [right.Spec.Policies[0] with { PodSelector = new() { MatchLabels = Ordered("a", "b") } }] },
        };

        Plan([policy], [Node], [stored]).Apply.ShouldBeEmpty();
    }

    private static Dictionary<string, string> Ordered(params string[] keys) => keys.ToDictionary(key => key, key => "x", StringComparer.Ordinal);

    private ReconcilePlan Plan(
        IReadOnlyCollection<V1Alpha1OverlayCachePolicy> policies,
        IReadOnlyCollection<V1Node> nodes,
        IReadOnlyCollection<V1Alpha1NodeCacheConfig> configs) =>
        _planner.Plan(new ClusterView(policies, nodes, configs), new Dictionary<string, string>(StringComparer.Ordinal), SignalBatch.None, Now);
}
