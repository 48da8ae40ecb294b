using System.Net;

namespace OnCache.Api.Tests;

public sealed class RulesTests
{
    private static readonly NodeCacheConfig Good = new(new("n1"), Endpoints.Spec(Endpoints.Everything));

    [Fact]
    public void The_defaults_satisfy_the_rules()
    {
        NodeCacheConfigRules.CheckFields(Good).ShouldBeEmpty();
        NodeCacheConfigRules.CheckRelations(Good).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(1023, 5000, 256, "spec.cacheSizes.filter: 1023 is out of range; use 1024 to 4194304")]
    [InlineData(4_194_305, 5000, 256, "spec.cacheSizes.filter: 4194305 is out of range; use 1024 to 4194304")]
    [InlineData(1024, 0, 256, "spec.cacheSizes.egress: 0 is out of range; use 1 to 20000")]
    [InlineData(1024, 20_001, 256, "spec.cacheSizes.egress: 20001 is out of range; use 1 to 20000")]
    [InlineData(1024, 1, 0, "spec.cacheSizes.ingress: 0 is out of range; use 1 to 4096")]
    [InlineData(1024, 1, 4097, "spec.cacheSizes.ingress: 4097 is out of range; use 1 to 4096")]
    [InlineData(4_194_304, 20_000, 4096, "")]
    public void Cache_sizes_have_bounds(int filter, int egress, int ingress, string problem) =>
        ShouldFind(Good.Spec with { CacheSizes = new() { Filter = filter, Egress = egress, Ingress = ingress } }, problem);

    [Theory]
    [InlineData(999, 0, "spec.lease: 999ms is out of range; use 1s to 10m")]
    [InlineData(600_001, 0, "spec.lease: 10m1ms is out of range; use 1s to 10m")]
    [InlineData(1000, 60_001, "spec.settle: 1m1ms is out of range; use 0s to 1m")]
    [InlineData(600_000, 60_000, "")]
    public void Durations_have_bounds(int lease, int settle, string problem) => ShouldFind(
        Good.Spec with { Lease = TimeSpan.FromMilliseconds(lease), Settle = TimeSpan.FromMilliseconds(settle) },
        problem);

    [Fact]
    public void Exclusions_are_at_most_a_thousand_of_each()
    {
        var ports = Enumerable.Range(1, 1001).Select(port => new PortExclusion(TransportProtocol.Tcp, port)).ToArray();

        ShouldFind(Good.Spec with { Exclusions = new() { Ports = ports } }, "spec.exclusions.ports: 1001 entries are too many; use at most 1000");
        ShouldFind(Good.Spec with { Exclusions = new() { Ports = ports[..1000] } }, "");
    }

    [Fact]
    public void A_port_is_excluded_once() => ShouldFind(
        Good.Spec with { Exclusions = new() { Ports = [new(TransportProtocol.Tcp, 53), new(TransportProtocol.Udp, 53), new(TransportProtocol.Tcp, 53)] } },
        "spec.exclusions.ports[2]: TCP 53 is already used by spec.exclusions.ports[0]; it must be unique");

    [Theory]
    [InlineData(0)]
    [InlineData(65_536)]
    public void Ports_have_bounds(int port) => ShouldFind(
        Good.Spec with { Exclusions = new() { Ports = [new(TransportProtocol.Tcp, port)] } },
        $"spec.exclusions.ports[0].port: {port} is out of range; use 1 to 65535");

    [Fact]
    public void Policies_have_different_names() => ShouldFind(
        Endpoints.Spec(Endpoints.Everything, Endpoints.Everything),
        "spec.policies[1].name: everything is already used by spec.policies[0].name; it must be unique");

    [Fact]
    public void A_policy_covers_some_protocol() => ShouldFind(
        Endpoints.Spec(Endpoints.Everything with { Protocols = Protocols.None }),
        "spec.policies[0].protocols: no protocol is listed; list TCP, UDP or ICMP, or leave the field out for all");

    [Fact]
    public void Operators_have_values_or_not()
    {
        ShouldFind(
            Endpoints.Spec(Endpoints.Everything with { PodSelector = new() { MatchExpressions = [new("app", LabelSelectorOperator.In, [])] } }),
            "spec.policies[0].podSelector.matchExpressions[0]: operator In has no values; name at least one");
        ShouldFind(
            Endpoints.Spec(Endpoints.Everything with { PodSelector = new() { MatchExpressions = [new("app", LabelSelectorOperator.Exists, ["x"])] } }),
            "spec.policies[0].podSelector.matchExpressions[0].values: operator Exists takes no values; remove them");
    }

    [Fact]
    public void Policies_are_ordered_by_priority()
    {
        var config = Good with
        {
            Spec = Endpoints.Spec(new() { Name = "a", Priority = 5 }, new() { Name = "b", Priority = 5 }, new() { Name = "c", Priority = 6 }),
        };

        Text(NodeCacheConfigRules.CheckRelations(config)).ShouldBe(
            "spec.policies[2].priority: 6 is higher than 5 of the policy before it; list the highest priority first");
    }

    [Fact]
    public void Endpoints_differ_in_name_uid_and_address()
    {
        var local = new LocalEndpoints(new("n1"), [new("shop", Endpoints.Labels())], [Endpoints.Pod, Endpoints.Pod]);

        Text(LocalEndpointsRules.CheckFields(local)).ShouldBe(
            """
            endpoints[1].name: shop/web-1 is already used by endpoints[0].name; it must be unique
            endpoints[1].uid: u1 is already used by endpoints[0].uid; it must be unique
            endpoints[1].ip: 10.244.1.2 is already used by endpoints[0].ip; it must be unique
            """);
    }

    [Fact]
    public void Pods_on_the_host_network_share_its_address()
    {
        var first = Endpoints.Pod with { HostNetwork = true, Ip = IPAddress.Parse("192.168.0.1") };
        var local = new LocalEndpoints(new("n1"), [new("shop", Endpoints.Labels())], [first, first with { Name = "web-2", Uid = "u2" }]);

        LocalEndpointsRules.CheckFields(local).ShouldBeEmpty();
    }

    [Fact]
    public void The_namespace_of_an_endpoint_is_listed()
    {
        var local = new LocalEndpoints(new("n1"), [], [Endpoints.Pod]);

        Text(LocalEndpointsRules.CheckRelations(local)).ShouldBe(
            "endpoints[0].namespace: shop is not in the list of namespaces; add it there with its labels");
    }

    [Theory]
    [InlineData("web", true)]
    [InlineData("Web", false)]
    [InlineData("-web", false)]
    [InlineData("web-", false)]
    [InlineData("web.shop", true)]
    [InlineData("web..shop", false)]
    [InlineData("", false)]
    public void Names_are_DNS_subdomains(string name, bool accepted) => KubernetesName.IsSubdomain(name).ShouldBe(accepted);

    [Theory]
    [InlineData("app", true)]
    [InlineData("app.kubernetes.io/name", true)]
    [InlineData("App_1.x", true)]
    [InlineData("/app", false)]
    [InlineData("example.com/", false)]
    [InlineData("Example.com/app", false)]
    [InlineData("a b", false)]
    public void Label_keys_have_an_optional_domain(string key, bool accepted) => KubernetesName.IsLabelKey(key).ShouldBe(accepted);

    private static void ShouldFind(NodeCacheConfigSpec spec, string problem) =>
        Text(NodeCacheConfigRules.CheckFields(Good with { Spec = spec })).ShouldBe(problem);

    private static string Text(IEnumerable<FieldProblem> problems) =>
        string.Join('\n', problems.Select(problem => $"{problem.Field}: {problem.Message}"));
}
