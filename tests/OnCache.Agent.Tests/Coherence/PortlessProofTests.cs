using System.Net;
using OnCache.Agent.Coherence;
using OnCache.Api;
using OnCache.Kubernetes.Models;

namespace OnCache.Agent.Tests.Coherence;

/// <summary>For which pods one connection speaks for all with the same peer. What the policies mean is tested with the evaluator.</summary>
public sealed class PortlessProofTests
{
    private static readonly LocalEndpoint s_pod = new()
    {
        Name = "web-0",
        Namespace = "default",
        Uid = "u1",
        Ip = IPAddress.Parse("10.244.1.2"),
        Labels = new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = "web" },
    };

    [Fact]
    public void Nothing_is_proven_where_the_policies_are_not_known() => Holds(policies: null).ShouldBeFalse();

    [Fact]
    public void A_pod_that_no_policy_isolates_is_unrestricted() => Holds([Policy("db")]).ShouldBeTrue();

    [Fact]
    public void A_pod_that_a_policy_isolates_is_not() => Holds([Policy("web")]).ShouldBeFalse();

    [Fact]
    public void An_isolated_pod_with_a_rule_for_everything_is() =>
        Holds([Policy("web", new V1NetworkPolicyIngressRule())]).ShouldBeTrue();

    [Fact]
    public void A_rule_for_one_port_is_not_for_everything() =>
        Holds([Policy("web", new V1NetworkPolicyIngressRule { Ports = [new V1NetworkPolicyPort { Protocol = "TCP" }] })]).ShouldBeFalse();

    [Fact]
    public void A_pod_of_an_unknown_namespace_is_not_judged() =>
        PortlessProof.Holds(Local([]), new Dictionary<string, LocalNamespace>(StringComparer.Ordinal), s_pod).ShouldBeFalse();

    private static bool Holds(IReadOnlyList<V1NetworkPolicy>? policies)
    {
        var home = new LocalNamespace("default", new Dictionary<string, string>(StringComparer.Ordinal));
        return PortlessProof.Holds(Local(policies), new Dictionary<string, LocalNamespace>(StringComparer.Ordinal) { ["default"] = home }, s_pod);
    }

    private static LocalEndpoints Local(IReadOnlyList<V1NetworkPolicy>? policies) => new(new ObjectMeta("n1"), [], [s_pod]) { NetworkPolicies = policies };

    private static V1NetworkPolicy Policy(string app, params V1NetworkPolicyIngressRule[] ingress) => new()
    {
        Metadata = new V1ObjectMeta { Name = $"for-{app}", NamespaceProperty = "default" },
        Spec = new V1NetworkPolicySpec
        {
            PodSelector = new V1LabelSelector { MatchLabels = new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = app } },
            Ingress = ingress,
        },
    };
}
