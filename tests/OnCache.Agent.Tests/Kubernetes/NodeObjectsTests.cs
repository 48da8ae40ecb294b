using OnCache.Agent.Configuration;
using OnCache.Agent.Kubernetes;
using OnCache.Api;
using OnCache.Kubernetes.Models;

namespace OnCache.Agent.Tests.Kubernetes;

/// <summary>What the API server holds of a node, as the agent understands it.</summary>
public sealed class NodeObjectsTests
{
    private static readonly DateTimeOffset s_start = new(2026, 11, 20, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Without_a_configuration_there_is_no_policy()
    {
        var configuration = new NodeObjects("n1", Spec: null, Generation: 0, [Pod("a", "10.244.1.2")], [Namespace("default")]).ToConfiguration();

        configuration.Node.Spec.Policies.ShouldBeEmpty();
        configuration.Local.Endpoints.ShouldHaveSingleItem().Name.ShouldBe("a");
    }

    [Fact]
    public void What_an_agent_observes_is_a_generation_of_one_object()
    {
        var configuration = new NodeObjects("n1", new NodeCacheConfigSpec(), Generation: 3, [], []) { Uid = "config-1" }.ToConfiguration();

        (configuration.Uid, configuration.Generation).ShouldBe(("config-1", 3));
    }

    [Fact]
    public void A_pod_brings_its_identity_labels_and_annotations()
    {
        var pod = Pod("a", "10.244.1.2") with { Spec = new V1PodSpec { HostNetwork = true } };
        var endpoint = Read(pod with
        {
            Metadata = pod.Metadata with
            {
                Labels = new Dictionary<string, string> { ["app"] = "web" },
                Annotations = new Dictionary<string, string> { [ApiGroup.AccelerateAnnotation] = "false" },
            },
        }).Local.Endpoints.ShouldHaveSingleItem();

        endpoint.Uid.ShouldBe("uid-a");
        endpoint.Namespace.ShouldBe("default");
        endpoint.HostNetwork.ShouldBeTrue();
        endpoint.Labels["app"].ShouldBe("web");
        endpoint.Annotations[ApiGroup.AccelerateAnnotation].ShouldBe("false");
    }

    [Theory]
    [InlineData("Succeeded")]
    [InlineData("Failed")]
    public void A_pod_that_has_ended_owns_no_address(string phase)
    {
        var ended = Pod("old", "10.244.1.2");
        Read(ended with { Status = ended.Status with { Phase = phase } }, Pod("new", "10.244.1.2"))
            .Local.Endpoints.ShouldHaveSingleItem().Name.ShouldBe("new");
    }

    [Fact]
    public void A_pod_without_an_address_or_with_none_of_IPv4_is_no_endpoint() =>
        Read(Pod("pending", null), Pod("six", "2001:db8::2")).Local.Endpoints.ShouldBeEmpty();

    [Fact]
    public void Of_two_addresses_the_one_of_IPv4_counts()
    {
        var pod = Pod("dual", "2001:db8::2");
        Read(pod with { Status = pod.Status with { PodIPs = [new("2001:db8::2"), new("10.244.1.9")] } })
            .Local.Endpoints.ShouldHaveSingleItem().Ip.ToString().ShouldBe("10.244.1.9");
    }

    [Fact]
    public void An_address_claimed_twice_belongs_to_the_younger_pod_whatever_the_order()
    {
        var old = Pod("old", "10.244.1.2");
        var reborn = Pod("reborn", "10.244.1.2", s_start.AddMinutes(1));

        Read(old, reborn).Local.Endpoints.ShouldHaveSingleItem().Name.ShouldBe("reborn");
        Read(reborn, old).Local.Endpoints.ShouldHaveSingleItem().Name.ShouldBe("reborn");
    }

    [Fact]
    public void An_address_claimed_twice_does_not_belong_to_the_pod_that_is_being_deleted()
    {
        var leaving = Pod("leaving", "10.244.1.2", s_start.AddMinutes(1));
        leaving = leaving with { Metadata = leaving.Metadata with { DeletionTimestamp = s_start.AddMinutes(2) } };

        Read(leaving, Pod("staying", "10.244.1.2")).Local.Endpoints.ShouldHaveSingleItem().Name.ShouldBe("staying");
    }

    [Fact]
    public void Pods_on_the_node_s_own_network_share_its_address()
    {
        var spec = new V1PodSpec { HostNetwork = true };
        Read(Pod("a", "192.168.77.1") with { Spec = spec }, Pod("b", "192.168.77.1") with { Spec = spec }).Local.Endpoints.Count.ShouldBe(2);
    }

    private static AgentConfiguration Read(params V1Pod[] pods) =>
        new NodeObjects("n1", new NodeCacheConfigSpec(), Generation: 1, pods, [Namespace("default")]).ToConfiguration();

    private static V1Pod Pod(string name, string? address, DateTimeOffset? created = null) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "default", Uid = $"uid-{name}", CreationTimestamp = created ?? s_start },
        Status = new V1PodStatus { Phase = "Running", PodIP = address, PodIPs = address is null ? [] : [new(address)] },
    };

    private static V1Namespace Namespace(string name) => new() { Metadata = new V1ObjectMeta { Name = name } };
}
