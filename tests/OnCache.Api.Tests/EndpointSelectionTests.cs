using System.Text.Json;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Api.Tests;

public sealed class EndpointSelectionTests
{
    [Fact]
    public void The_first_policy_that_matches_decides()
    {
        var spec = Endpoints.Spec(
            new() { Name = "other-namespace", Namespaces = new() { Names = ["bank"] } },
            new() { Name = "other-pods", PodSelector = Endpoints.Selector("app", "db") },
            new() { Name = "tcp-only", Protocols = Protocols.Tcp, Mode = AccelerationMode.Observe },
            Endpoints.Everything);

        Select(spec, Endpoints.Pod).ShouldBe(
            new EndpointTreatment(AccelerationMode.Observe, Protocols.Tcp, "tcp-only", SelectionCause.PolicyMatched, "policy tcp-only"));
    }

    [Fact]
    public void Without_a_matching_policy_nothing_is_accelerated()
    {
        var treatment = Select(Endpoints.Spec(), Endpoints.Pod);

        treatment.ShouldBe(new EndpointTreatment(AccelerationMode.Disabled, Protocols.None, null, SelectionCause.NoPolicy, "no policy matches"));
    }

    [Fact]
    public void A_policy_that_disables_hides_those_after_it()
    {
        var spec = Endpoints.Spec(new() { Name = "off", Mode = AccelerationMode.Disabled }, Endpoints.Everything);

        var treatment = Select(spec, Endpoints.Pod);

        treatment.Mode.ShouldBe(AccelerationMode.Disabled);
        treatment.Protocols.ShouldBe(Protocols.None);
        treatment.PolicyName.ShouldBe("off");
    }

    [Fact]
    public void The_rules_of_the_host_count_as_the_policy_that_decides_has_it()
    {
        var counted = new CachePolicy { Name = "counted", PodSelector = Endpoints.Selector("app", "web"), HostRules = HostRules.Ignore };
        var spec = Endpoints.Spec(counted, Endpoints.Everything);

        Select(spec, Endpoints.Pod).HostRules.ShouldBe(HostRules.Ignore);
        Select(spec, Endpoints.Pod with { Labels = Endpoints.Labels(("app", "db")) }).HostRules.ShouldBe(HostRules.Respect);
        Select(Endpoints.Spec(), Endpoints.Pod).HostRules.ShouldBe(HostRules.Respect);
    }

    [Fact]
    public void A_policy_of_an_operator_that_knows_no_rules_of_the_host_respects_them() =>
        JsonSerializer.Deserialize<CachePolicy>("""{ "name": "p", "mode": "Accelerate" }""", KubernetesJson.Options)!.HostRules.ShouldBe(HostRules.Respect);

    [Fact]
    public void The_system_namespace_is_covered_only_when_asked_for()
    {
        var dns = Endpoints.Pod with { Namespace = "kube-system" };

        Select(Endpoints.Spec(Endpoints.Everything), dns).Cause.ShouldBe(SelectionCause.NoPolicy);
        Select(Endpoints.Spec(new CachePolicy { Name = "named", Namespaces = new() { Names = ["kube-system"] } }), dns).PolicyName.ShouldBe("named");
        Select(Endpoints.Spec(new CachePolicy { Name = "all", Namespaces = new() { Selector = new() } }), dns).PolicyName.ShouldBe("all");
    }

    [Fact]
    public void Namespaces_are_the_union_of_names_and_selector()
    {
        var byLabel = new CachePolicy { Name = "p", Namespaces = new() { Names = ["bank"], Selector = Endpoints.Selector("team", "blue") } };

        Select(Endpoints.Spec(byLabel), Endpoints.Pod).PolicyName.ShouldBe("p");
        Select(Endpoints.Spec(byLabel with { Namespaces = new() { Names = ["bank"], Selector = Endpoints.Selector("team", "red") } }), Endpoints.Pod)
            .Cause.ShouldBe(SelectionCause.NoPolicy);
    }

    [Theory]
    [InlineData("false", SelectionCause.OptedOut)]
    [InlineData("False", SelectionCause.OptedOut)]
    [InlineData("no", SelectionCause.OptedOut)]
    [InlineData("", SelectionCause.OptedOut)]
    [InlineData("true", SelectionCause.PolicyMatched)]
    public void An_annotation_other_than_true_opts_out(string value, SelectionCause cause)
    {
        var pod = Endpoints.Pod with { Annotations = Endpoints.Labels((ApiGroup.AccelerateAnnotation, value)) };

        Select(Endpoints.Spec(Endpoints.Everything), pod).Cause.ShouldBe(cause);
    }

    [Fact]
    public void Pods_on_the_host_network_are_never_accelerated() =>
        Select(Endpoints.Spec(Endpoints.Everything), Endpoints.Pod with { HostNetwork = true }).Cause.ShouldBe(SelectionCause.HostNetwork);

    [Fact]
    public void A_namespace_that_is_not_known_is_a_doubt()
    {
        var treatment = Select(Endpoints.Spec(Endpoints.Everything), Endpoints.Pod with { Namespace = "new" });

        treatment.Cause.ShouldBe(SelectionCause.NamespaceUnknown);
        treatment.Mode.ShouldBe(AccelerationMode.Disabled);
        treatment.Reason.ShouldContain("new");
    }

    [Fact]
    public void An_absent_exclusion_selector_excludes_nobody_and_the_empty_one_everybody()
    {
        var spec = Endpoints.Spec(Endpoints.Everything);

        Select(spec with { Exclusions = new() { PodSelectors = [] } }, Endpoints.Pod).Mode.ShouldBe(AccelerationMode.Accelerate);
        Select(spec with { Exclusions = new() { PodSelectors = [Endpoints.Selector("app", "none"), new()] } }, Endpoints.Pod).Cause.ShouldBe(SelectionCause.PodExcluded);
    }

    private static EndpointTreatment Select(NodeCacheConfigSpec spec, LocalEndpoint endpoint) =>
        EndpointSelection.Select(spec, Endpoints.Namespaces, endpoint);
}
