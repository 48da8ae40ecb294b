using OnCache.Agent.Coherence;
using OnCache.Agent.Net;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;

namespace OnCache.Agent.Tests.Coherence;

/// <summary>Objects of a small cluster, and what the rules make of events one after another.</summary>
internal static class Observed
{
    public static LocalPod Pod(string name, string? address = null, string home = "shop", string? app = null, bool hasEnded = false) => new(
        $"uid-{name}", home, name, address is null ? null : Ipv4Address.Parse(address), Labels(("app", app ?? name)), hasEnded);

    public static PodObserved Event(this LocalPod pod, bool afterGap = false) => new(pod.Uid, pod, afterGap);

    public static IReadOnlyDictionary<string, string> Labels(params (string Key, string Value)[] labels) =>
        labels.ToDictionary(static label => label.Key, static label => label.Value, StringComparer.Ordinal);

    public static V1LabelSelector Selector(params (string Key, string Value)[] labels) => new() { MatchLabels = Labels(labels) };

    /// <summary>A policy that isolates pods of one application against all but the named peers.</summary>
    public static V1NetworkPolicy Policy(string name, string? app, params V1NetworkPolicyPeer[] from) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "shop", Uid = $"uid-{name}", Generation = 1 },
        Spec = new V1NetworkPolicySpec
        {
            PodSelector = app is null ? Selector() : Selector(("app", app)),
            PolicyTypes = ["Ingress"],
            Ingress = from.Length == 0 ? [] : [new V1NetworkPolicyIngressRule { FromProperty = from }],
        },
    };

    public static NetworkPolicyObserved Event(this V1NetworkPolicy policy) => new(NamespacedName.Of(policy), policy);

    public static V1NetworkPolicy Again(this V1NetworkPolicy policy, Func<V1NetworkPolicySpec, V1NetworkPolicySpec> change) => policy with
    {
        Metadata = policy.Metadata with { Generation = policy.Metadata.Generation + 1 },
        Spec = change(policy.Spec),
    };

    public static ClusterView After(this ClusterView view, params CoherenceEvent[] events) =>
        events.Aggregate(view, static (present, item) => FlushRules.Step(present, item).Next);

    public static IReadOnlyList<FlushPlan> Plans(this ClusterView view, CoherenceEvent observed) => FlushRules.Step(view, observed).Plans;

    /// <summary>The names of the pods whose flows become void.</summary>
    public static IEnumerable<string> Names(this FlushPlan plan) => plan.Endpoints.ShouldNotBeNull().Select(static target => target.Uid["uid-".Length..]).Order(StringComparer.Ordinal);
}
