using System.Net;
using FsCheck;
using FsCheck.Fluent;
using OnCache.Api;
using OnCache.Operator.Compilation;
using OnCache.Operator.Validation;

namespace OnCache.Operator.Tests.Compilation;

/// <summary>What holds of the compiler whatever policies and nodes are.</summary>
public sealed class PolicyCompilerProperties
{
    private static readonly Arbitrary<(ClusterPolicy[] Policies, ClusterNode[] Nodes)> Cases = Clusters.All.ToArbitrary();

    private static readonly Arbitrary<(ClusterPolicy[] Policies, ClusterNode[] Nodes, LocalNamespace Home, LocalEndpoint Pod)> Pods = (
        from cluster in Clusters.All
        from home in Clusters.Homes
        from labels in Clusters.LabelSets
        select (
            cluster.Policies,
            cluster.Nodes,
            home,
            new LocalEndpoint { Name = "pod", Namespace = home.Name, Uid = "u", Ip = IPAddress.Parse("10.244.0.2"), Labels = labels })).ToArbitrary();

    [Fact]
    public void The_order_of_policies_and_nodes_does_not_matter() => Check(Cases, item =>
        Text(item.Policies, item.Nodes) == Text(item.Policies.Reverse(), item.Nodes.Reverse()));

    [Fact]
    public void The_result_is_the_same_every_time() => Check(Cases, item => Text(item.Policies, item.Nodes) == Text(item.Policies, item.Nodes));

    [Fact]
    public void Every_node_has_a_configuration_that_its_agent_accepts() => Check(Cases, item =>
    {
        var compiled = PolicyCompiler.Compile(item.Policies, item.Nodes);
        return compiled.Nodes.Count == item.Nodes.Length
            && compiled.Nodes.All(pair =>
            {
                var config = new NodeCacheConfig(new ObjectMeta(pair.Key), pair.Value);
                return !NodeCacheConfigRules.CheckFields(config).Any() && !NodeCacheConfigRules.CheckRelations(config).Any();
            });
    });

    [Fact]
    public void What_any_covering_policy_excludes_is_excluded() => Check(Cases, item =>
    {
        var compiled = PolicyCompiler.Compile(item.Policies, item.Nodes);
        return item.Nodes.All(node => item.Policies.Where(policy => node.IsCoveredBy(policy.Spec)).All(policy =>
        {
            var wanted = policy.Spec.Exclusions;
            var actual = compiled.Nodes[node.Name].Exclusions;
            return wanted.Namespaces.All(name => actual.Namespaces.Contains(name, StringComparer.Ordinal))
                && wanted.Ports.Where(port => port.Port > 0).All(actual.Ports.Contains)
                && wanted.Cidrs.All(text => !Ipv4Cidr.TryParse(text, out var cidr, out _) || actual.Cidrs.Any(range => range.Contains(cidr.Address) && range.PrefixLength <= cidr.PrefixLength));
        }));
    });

    [Fact]
    public void A_pod_that_any_covering_policy_excludes_is_never_accelerated() => Check(Pods, item =>
    {
        var compiled = PolicyCompiler.Compile(item.Policies, item.Nodes);
        return item.Nodes.All(node =>
            !item.Policies.Where(policy => node.IsCoveredBy(policy.Spec)).Any(policy =>
                policy.Spec.Exclusions.Namespaces.Contains(item.Pod.Namespace, StringComparer.Ordinal)
                || policy.Spec.Exclusions.PodSelector?.Matches(item.Pod.Labels) == true)
            || Select(compiled.Nodes[node.Name], item.Home, item.Pod).Mode == AccelerationMode.Disabled);
    });

    [Fact]
    public void Leaving_out_losers_changes_no_pods_treatment() => Check(Pods, item =>
    {
        var compiled = PolicyCompiler.Compile(item.Policies, item.Nodes);
        return item.Nodes.All(node =>
        {
            var spec = compiled.Nodes[node.Name];
            var all = item.Policies
                .Where(policy => node.IsCoveredBy(policy.Spec) && PolicyProblems.First(policy.Spec) is null)
                .Order(Precedence.Order)
                .Select(policy => new CachePolicy
                {
                    Name = policy.Name,
                    Mode = policy.Spec.Mode,
                    HostRules = policy.Spec.HostRules,
                    Protocols = policy.Spec.Protocols.ToBits(),
                    Namespaces = policy.Spec.Namespaces,
                    PodSelector = policy.Spec.PodSelector,
                });
            return Select(spec, item.Home, item.Pod) == Select(spec with { Policies = [.. all] }, item.Home, item.Pod);
        });
    });

    [Fact]
    public void Settings_are_at_least_as_strict_and_as_large_as_any_policy_in_force_asks() => Check(Cases, item =>
    {
        var byName = item.Policies.ToDictionary(policy => policy.Name, policy => policy.Spec, StringComparer.Ordinal);
        return PolicyCompiler.Compile(item.Policies, item.Nodes).Nodes.Values.All(spec => spec.Policies
            .Where(policy => policy.Mode != AccelerationMode.Disabled)
            .Select(policy => byName[policy.Name])
            .All(policy => spec.Lease <= policy.Lease && spec.Settle >= policy.Settle && spec.CacheSizes.Filter >= policy.CacheSizes.Filter));
    });

    [Fact]
    public void A_policy_is_accepted_exactly_when_some_node_holds_it() => Check(Cases, item =>
    {
        var compiled = PolicyCompiler.Compile(item.Policies, item.Nodes);
        return compiled.Policies.Values.All(policy =>
            policy.Acceptance.IsAccepted == compiled.Nodes.Values.Any(spec =>
                spec.Policies.Any(held => string.Equals(held.Name, policy.Policy.Name, StringComparison.Ordinal))));
    });

    private static EndpointTreatment Select(NodeCacheConfigSpec spec, LocalNamespace home, LocalEndpoint pod) =>
        EndpointSelection.Select(spec, new Dictionary<string, LocalNamespace>(StringComparer.Ordinal) { [home.Name] = home }, pod);

    private static string Text(IEnumerable<ClusterPolicy> policies, IEnumerable<ClusterNode> nodes)
    {
        var compiled = PolicyCompiler.Compile(policies, nodes);
        return string.Join('\n', compiled.Nodes.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key} {new CanonicalText().Of(pair.Value)}")
            .Concat(compiled.Policies.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair =>
                $"{pair.Key} {pair.Value.Acceptance} {string.Join(',', pair.Value.Nodes)} {string.Join(',', pair.Value.Refusals.Order())}")));
    }

    private static void Check<T>(Arbitrary<T> arbitrary, Func<T, bool> property) =>
        Prop.ForAll(arbitrary, property).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
}
