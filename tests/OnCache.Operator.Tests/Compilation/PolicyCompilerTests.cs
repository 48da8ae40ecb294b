using OnCache.Api;
using OnCache.Operator.Compilation;

namespace OnCache.Operator.Tests.Compilation;

public sealed class PolicyCompilerTests
{
    private static readonly ClusterNode Node = new("n1", Clusters.Labels());

    [Fact]
    public void Without_room_for_all_exclusions_nothing_is_accelerated_and_every_policy_says_so()
    {
        var policies = Enumerable.Range(0, 5).Select(i => Policy($"p{i}") with
        {
            Spec = new OverlayCachePolicySpec
            {
                Namespaces = new NamespaceSelection { Names = [$"team-{i}"] },
                Exclusions = new PolicyExclusions { Cidrs = [.. Enumerable.Range(0, 201).Select(j => $"10.{i}.{j}.0/24")] },
            },
        });

        var compiled = PolicyCompiler.Compile(policies, [Node]);

        compiled.Nodes["n1"].Policies.ShouldBeEmpty();
        foreach (var policy in compiled.Policies.Values)
        {
            policy.Acceptance.Reason.ShouldBe(ConditionReason.Conflicted);
            policy.Acceptance.Message.ShouldBe(
                "node n1: its policies exclude 1005 ranges together, 1000 fit: nothing is accelerated there until they are fewer");
        }
    }

    [Fact]
    public void Policies_past_the_last_place_are_refused_lowest_first()
    {
        var policies = Enumerable.Range(0, 101).Select(i => Policy($"p{i:D3}") with
        {
            Spec = new OverlayCachePolicySpec { Priority = i, Namespaces = new NamespaceSelection { Names = [$"team-{i}"] } },
        });

        var compiled = PolicyCompiler.Compile(policies, [Node]);

        compiled.Nodes["n1"].Policies.Count.ShouldBe(100);
        compiled.Policies.Values.Where(policy => !policy.Acceptance.IsAccepted).ShouldHaveSingleItem().Policy.Name.ShouldBe("p000");
        compiled.Policies["p000"].Refusals["n1"].ShouldContain("more than 100 policies cover the node");
    }

    [Fact]
    public void Thousands_of_nodes_share_what_is_compiled_once()
    {
        var nodes = Enumerable.Range(0, 5000).Select(i => new ClusterNode($"n{i}", Clusters.Labels(("pool", i % 2 == 0 ? "even" : "odd"))));
        var even = Policy("even") with
        {
            Spec = new OverlayCachePolicySpec { NodeSelector = new LabelSelector { MatchLabels = Clusters.Labels(("pool", "even")) } },
        };

        var compiled = PolicyCompiler.Compile([even], nodes);

        compiled.Policies["even"].Nodes.Count.ShouldBe(2500);
        compiled.Nodes.Values.Distinct(ReferenceEqualityComparer.Instance).Count().ShouldBe(2);
    }

    [Fact]
    public void The_older_policy_wins_among_equals_and_then_the_name()
    {
        var old = Policy("z") with { CreatedAt = DateTimeOffset.UnixEpoch };
        var young = Policy("a") with { CreatedAt = DateTimeOffset.UnixEpoch.AddSeconds(1) };
        var twin = Policy("b") with { CreatedAt = DateTimeOffset.UnixEpoch.AddSeconds(1) };

        new[] { twin, young, old }.Order(Precedence.Order).Select(policy => policy.Name).ShouldBe(["z", "a", "b"]);
    }

    [Fact]
    public void Disabled_policies_have_no_say_in_sizes_lease_and_settle()
    {
        var disabled = Policy("off") with
        {
            Spec = new OverlayCachePolicySpec { Mode = AccelerationMode.Disabled, Lease = TimeSpan.FromSeconds(1), CacheSizes = new CacheSizes { Filter = 1_000_000 } },
        };

        var spec = PolicyCompiler.Compile([disabled], [Node]).Nodes["n1"];

        spec.Lease.ShouldBe(NodeCacheConfigSpec.DefaultLease);
        spec.CacheSizes.Filter.ShouldBe(65_536);
        spec.Policies.ShouldHaveSingleItem().Mode.ShouldBe(AccelerationMode.Disabled);
    }

    /// <summary>Each policy asks for the most in one thing and for the least in another.</summary>
    [Fact]
    public void A_node_has_the_largest_sizes_the_shortest_lease_and_the_longest_settle_of_its_policies()
    {
        var (least, most) = (TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(1));
        ClusterPolicy[] policies =
        [
            Asking("one", least, least, new CacheSizes { Filter = 2048, Egress = 64, Ingress = 256 }),
            Asking("other", most, most, new CacheSizes { Filter = 1024, Egress = 128, Ingress = 128 }),
        ];

        foreach (var order in (ClusterPolicy[][])[policies, [.. policies.Reverse()]])
        {
            var spec = PolicyCompiler.Compile(order, [Node]).Nodes["n1"];

            spec.Lease.ShouldBe(least);
            spec.Settle.ShouldBe(most);
            spec.CacheSizes.ShouldBe(new CacheSizes { Filter = 2048, Egress = 128, Ingress = 256 });
        }

        static ClusterPolicy Asking(string name, TimeSpan lease, TimeSpan settle, CacheSizes sizes) => Policy(name) with
        {
            Spec = new OverlayCachePolicySpec { Namespaces = new NamespaceSelection { Names = [name] }, Lease = lease, Settle = settle, CacheSizes = sizes },
        };
    }

    private static ClusterPolicy Policy(string name) => new(name, 1, DateTimeOffset.UnixEpoch, new OverlayCachePolicySpec());
}
