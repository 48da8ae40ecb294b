using System.Net;
using OnCache.Agent.Configuration;
using OnCache.Api;

namespace OnCache.Agent.Tests.Configuration;

public sealed class ConfigurationDocumentsTests
{
    public static TheoryData<string> Cases => TestAssets.Cases("Configuration");

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_problem_of_a_file_is_one_line_with_its_place_and_remedy(string name)
    {
        var reading = ConfigurationDocuments.Read("node.yaml", TestAssets.Read("Configuration", name, "node.yaml"));

        reading.IsValid.ShouldBeFalse();
        string.Join('\n', reading.Problems).ShouldBe(TestAssets.Read("Configuration", name, "problems.txt").TrimEnd());
    }

    [Fact]
    public void Every_field_is_read()
    {
        var reading = ConfigurationDocuments.Read("node.yaml", ConfigurationText.Full);

        reading.Problems.ShouldBeEmpty();
        var spec = reading.Configuration!.Node.Spec;
        reading.Configuration.Node.Metadata.Name.ShouldBe("n1");
        spec.CacheSizes.ShouldBe(new CacheSizes { Filter = 2048, Egress = 10, Ingress = 20 });
        spec.Lease.ShouldBe(TimeSpan.FromSeconds(90));
        spec.Settle.ShouldBe(TimeSpan.FromMilliseconds(500));
        spec.Exclusions.Cidrs.Select(cidr => cidr.ToString()).ShouldBe(["10.1.0.0/16"]);
        spec.Exclusions.Ports.ShouldBe([new(TransportProtocol.Tcp, 5432), new(TransportProtocol.Udp, 53)]);
        spec.Exclusions.Namespaces.ShouldBe(["monitoring"]);
        spec.Exclusions.PodSelectors.ShouldHaveSingleItem().MatchExpressions.ShouldHaveSingleItem().Operator.ShouldBe(LabelSelectorOperator.NotIn);

        var policy = spec.Policies.ShouldHaveSingleItem();
        (policy.Name, policy.Priority, policy.Mode, policy.Protocols).ShouldBe(("default", 7, AccelerationMode.Observe, Protocols.Tcp | Protocols.Icmp));
        policy.HostRules.ShouldBe(HostRules.Ignore);
        policy.Namespaces.Names.ShouldBe(["default"]);
        policy.Namespaces.Selector!.MatchLabels["team"].ShouldBe("blue");
        policy.PodSelector!.MatchLabels["app"].ShouldBe("web");

        var endpoint = reading.Configuration.Local.Endpoints.ShouldHaveSingleItem();
        (endpoint.Namespace, endpoint.Name, endpoint.Uid, endpoint.HostNetwork).ShouldBe(("default", "n1p1", "u1", true));
        endpoint.Ip.ShouldBe(IPAddress.Parse("10.244.1.2"));
        endpoint.Labels["app"].ShouldBe("web");
        endpoint.Annotations[ApiGroup.AccelerateAnnotation].ShouldBe("false");
        reading.Configuration.Namespaces["default"].Labels["team"].ShouldBe("blue");

        var network = reading.Configuration.Local.NetworkPolicies.ShouldNotBeNull().ShouldHaveSingleItem();
        (network.Metadata.NamespaceProperty, network.Metadata.Name).ShouldBe(("default", "web"));
        network.Spec.PolicyTypes.ShouldBe(["Ingress", "Egress"]);
        network.Spec.PodSelector.Matches(endpoint.Labels).ShouldBeTrue();
        var ingress = network.Spec.Ingress.ShouldHaveSingleItem();
        ingress.FromProperty.ShouldHaveSingleItem().NamespaceSelector!.MatchLabels["team"].ShouldBe("blue");
        ingress.Ports.Select(static port => (port.Protocol, $"{port.Port}", port.EndPort)).ShouldBe([("UDP", "dns", null), (null, "8000", 8080)]);
        network.Spec.Egress.ShouldHaveSingleItem().To.ShouldHaveSingleItem().IpBlock!.Except.ShouldBe(["10.1.0.0/16"]);
    }

    [Fact]
    public void No_policies_and_no_word_of_policies_are_two_things()
    {
        var text = ConfigurationText.Minimal("n1");

        ConfigurationDocuments.Read("node.yaml", text).Configuration!.Local.NetworkPolicies.ShouldBeNull();
        ConfigurationDocuments.Read("node.yaml", $"{text}\nnetworkPolicies: []").Configuration!.Local.NetworkPolicies.ShouldNotBeNull().ShouldBeEmpty();
    }

    [Fact]
    public void What_is_left_out_has_its_default()
    {
        var reading = ConfigurationDocuments.Read("node.yaml", ConfigurationText.Minimal("n1"));

        reading.Problems.ShouldBeEmpty();
        var spec = reading.Configuration!.Node.Spec;
        spec.CacheSizes.ShouldBe(new CacheSizes());
        (spec.Lease, spec.Settle).ShouldBe((TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(2)));
        var policy = spec.Policies.ShouldHaveSingleItem();
        (policy.Protocols, policy.HostRules).ShouldBe((Protocols.All, HostRules.Respect));
    }

    [Fact]
    public void A_field_that_is_null_is_absent()
    {
        var reading = ConfigurationDocuments.Read("node.yaml", ConfigurationText.Minimal("n1").Replace("spec:", "spec:\n  exclusions: null\n  lease: ~\n  cacheSizes:", StringComparison.Ordinal));

        reading.Problems.ShouldBeEmpty();
        reading.Configuration!.Node.Spec.Lease.ShouldBe(NodeCacheConfigSpec.DefaultLease);
    }

    [Fact]
    public void Hostile_nesting_is_refused_and_not_followed()
    {
        var reading = ConfigurationDocuments.Read("node.yaml", new string('[', 100_000));

        reading.Problems.ShouldHaveSingleItem().Message.ShouldBe("is not valid YAML: values are nested deeper than 32");
    }
}
