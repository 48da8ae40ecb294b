using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Tests.Overlay;

public sealed class AgentConfigWriterTests
{
    private static readonly Guid Uid = Guid.Parse("96ba8d5b-ebcc-4eb3-81d3-c0fc5fba0be4");

    [Fact]
    public void The_file_names_the_node_accelerates_everything_and_lists_the_pods() =>
        AgentConfigWriter.Render(new NodePlan(1, "02:00:00:00:00:01", "02:00:00:00:00:02", [new PodPlan(1, 1, "veth01", "02:00:00:00:00:03", Uid)]), new AgentPolicy())
            .ShouldBe("""
                apiVersion: oncache.io/v1alpha1
                kind: NodeCacheConfig
                metadata:
                  name: n1
                spec:
                  policies:
                  - name: lab
                    mode: Accelerate
                ---
                apiVersion: oncache.io/v1alpha1
                kind: LocalEndpoints
                metadata:
                  name: n1
                namespaces:
                - name: default
                  labels: {}
                endpoints:
                - name: n1p1
                  namespace: default
                  uid: "96ba8d5b-ebcc-4eb3-81d3-c0fc5fba0be4"
                  ip: 10.244.1.2
                  labels: { app: n1p1 }

                """);

    [Fact]
    public void No_pods_are_an_empty_list_not_a_null() =>
        AgentConfigWriter.Render(new NodePlan(2, "02:00:00:00:00:01", "02:00:00:00:00:02", []), new AgentPolicy()).ShouldEndWith("endpoints: []\n");

    [Fact]
    public void What_the_policy_says_beyond_the_defaults_is_written_at_its_place()
    {
        var agent = new AgentPolicy { Mode = "Observe", Excluded = "10.244.0.0/16", Unrestricted = true, Flows = 2048, LeaseSeconds = 3 };

        var text = AgentConfigWriter.Render(new NodePlan(2, "02:00:00:00:00:01", "02:00:00:00:00:02", []), agent);

        text.ShouldContain("    mode: Observe\n  exclusions: { cidrs: [\"10.244.0.0/16\"] }\n  cacheSizes: { filter: 2048 }\n  lease: 3s\n---\n");
        text.ShouldEndWith("endpoints: []\nnetworkPolicies: []\n");
    }
}
