using OnCache.Agent.Coherence;
using OnCache.Agent.Kubernetes;
using OnCache.Agent.Net;
using OnCache.Api;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Watching;

namespace OnCache.Agent.Tests.Kubernetes;

/// <summary>What messages of the API server tell, and when the change was.</summary>
public sealed class ClusterEventsTests
{
    private static readonly DateTimeOffset s_created = new(2026, 11, 20, 10, 0, 0, TimeSpan.Zero);

    private static readonly V1Pod s_pod = new()
    {
        Metadata = new V1ObjectMeta { Name = "web", NamespaceProperty = "shop", Uid = "uid", CreationTimestamp = s_created },
        Status = new V1PodStatus { Phase = "Running", PodIP = "10.244.1.2" },
    };

    [Fact]
    public void A_pod_is_told_with_its_address_and_since_when_it_is_so()
    {
        var changed = s_created.AddMinutes(1);
        var (told, at) = Of(ChangeKind.Modified, s_pod with { Metadata = s_pod.Metadata with { LastChange = changed } }).ShouldHaveSingleItem();

        told.ShouldBe(new PodObserved("uid", PodFacts.Local(s_pod)));
        PodFacts.Local(s_pod)!.Address.ShouldBe(Ipv4Address.Parse("10.244.1.2"));
        at.ShouldBe(changed);
        Of(ChangeKind.Added, s_pod).ShouldHaveSingleItem().ChangedAt.ShouldBe(s_created);
    }

    [Fact]
    public void A_pod_that_is_gone_or_on_the_node_s_own_network_is_none()
    {
        var deleted = s_created.AddMinutes(2);
        var gone = s_pod with { Metadata = s_pod.Metadata with { DeletionTimestamp = deleted } };

        Of(ChangeKind.Deleted, gone).ShouldBe([(new PodObserved("uid", Pod: null), deleted)]);
        Of(ChangeKind.Added, s_pod with { Spec = new V1PodSpec { HostNetwork = true } }).ShouldHaveSingleItem().Event.ShouldBe(new PodObserved("uid", Pod: null));
    }

    [Fact]
    public void A_pod_that_ended_has_no_address()
    {
        var ended = PodFacts.Local(s_pod with { Status = s_pod.Status with { Phase = "Failed" } }).ShouldNotBeNull();

        (ended.HasEnded, ended.Address).ShouldBe((true, null));
    }

    [Fact]
    public void What_differs_after_a_list_may_have_been_otherwise_in_between()
    {
        var home = new V1Namespace { Metadata = new V1ObjectMeta { Name = "shop" } };

        Of(ChangeKind.Modified, s_pod, listed: true).ShouldHaveSingleItem().Event.ShouldBeOfType<PodObserved>().AfterGap.ShouldBeTrue();
        Of(ChangeKind.Added, s_pod, listed: true).ShouldHaveSingleItem().Event.ShouldBeOfType<PodObserved>().AfterGap.ShouldBeFalse("it is new");
        ClusterEvents.Of(new ResourceUpdate<V1Namespace>(Listed: true, [new(ChangeKind.Modified, home, home)]))
            .ShouldHaveSingleItem().Event.ShouldBeOfType<NamespaceObserved>().AfterGap.ShouldBeTrue();
    }

    [Fact]
    public void A_list_of_policies_is_a_gap_even_where_nothing_differs()
    {
        ClusterEvents.Of(new ResourceUpdate<V1NetworkPolicy>(Listed: true, [])).ShouldHaveSingleItem().Event.ShouldBe(new NetworkPolicyGap());
        var kind = CniPolicyKind.Known[0];
        ClusterEvents.Of(kind, new ResourceUpdate<V1PartialObjectMetadata>(Listed: true, [])).ShouldHaveSingleItem().Event.ShouldBe(new CniPolicyGap(kind));
    }

    [Theory]
    [InlineData(3L, "9", "uid 3")]
    [InlineData(null, "9", "uid v9")]
    [InlineData(0L, "9", "uid v9")]
    public void A_policy_of_the_CNI_is_known_by_its_generation_or_where_there_is_none_by_its_version(long? generation, string version, string expected)
    {
        var policy = new V1PartialObjectMetadata { Metadata = new V1ObjectMeta { Name = "p", Uid = "uid", Generation = generation, ResourceVersion = version } };

        ClusterEvents.Of(CniPolicyKind.Known[0], new ResourceUpdate<V1PartialObjectMetadata>(Listed: false, [new(ChangeKind.Added, policy, Previous: null)]))
            .ShouldHaveSingleItem().Event.ShouldBe(new CniPolicyObserved(new CniPolicy(CniPolicyKind.Known[0], NamespacedName.ClusterScoped("p")), expected));
    }

    [Fact]
    public void The_operator_s_signal_names_policies_or_all()
    {
        Signal(null).ShouldBe((0L, ""));
        Signal(new PeerSignal { Revision = 4, NetworkPolicies = ["shop/a", "bank/b"] }).ShouldBe((4L, "shop/a bank/b"));
        Signal(new PeerSignal { Revision = 5, All = true }).ShouldBe((5L, null));

        static (long Revision, string? Policies) Signal(PeerSignal? signal)
        {
            var config = new V1Alpha1NodeCacheConfig { Metadata = new V1ObjectMeta { Name = "n1" }, Spec = new NodeCacheConfigSpec { PeerSignal = signal } };
            var told = ClusterEvents.Of(new ResourceUpdate<V1Alpha1NodeCacheConfig>(Listed: false, [new(ChangeKind.Modified, config, config)]))
                .ShouldHaveSingleItem().Event.ShouldBeOfType<PeersSignalled>();
            return (told.Revision, told.Policies is null ? null : string.Join(' ', told.Policies));
        }
    }

    private static List<(CoherenceEvent Event, DateTimeOffset? ChangedAt)> Of(ChangeKind kind, V1Pod pod, bool listed = false) =>
        [.. ClusterEvents.Of(new ResourceUpdate<V1Pod>(listed, [new(kind, pod, kind == ChangeKind.Added ? null : pod)]))];
}
