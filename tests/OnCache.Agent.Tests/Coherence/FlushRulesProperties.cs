using System.Net;
using FsCheck;
using FsCheck.Fluent;
using OnCache.Agent.Coherence;
using OnCache.Agent.Net;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.NetworkPolicies;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Agent.Tests.Coherence;

/// <summary>
/// Against an evaluator of NetworkPolicies: whatever is known and whatever happens, an endpoint that any peer could reach before and
/// not after, or the other way round, is flushed.
/// </summary>
public sealed class FlushRulesProperties
{
    private static readonly string[] s_homes = ["a", "b"];
    private static readonly string[] s_values = ["2", "1", ""];
    private static readonly TrafficPort[] s_ports = [new("TCP", 80), new("UDP", 53), new("ICMP", Number: null)];
    private static readonly IPAddress s_remote = IPAddress.Parse("10.244.2.7");

    private static readonly Gen<IReadOnlyDictionary<string, string>> s_labels =
        from x in Gen.Elements("1", "2", null)
        from y in Gen.Elements("1", null)
        select (IReadOnlyDictionary<string, string>)new[] { ("x", x), ("y", y) }
            .Where(static label => label.Item2 is not null)
            .ToDictionary(static label => label.Item1, static label => label.Item2!, StringComparer.Ordinal);

    private static readonly Gen<V1LabelSelector> s_selectors =
        from labels in s_labels
        from expression in Gen.Elements("Exists", "DoesNotExist", null, null)
        select new V1LabelSelector
        {
            MatchLabels = labels,
            MatchExpressions = expression is null ? [] : [new V1LabelSelectorRequirement { Key = "y", OperatorProperty = expression }],
        };

    private static readonly Gen<V1NetworkPolicyPeer> s_peers = Gen.OneOf(
        from pods in s_selectors select new V1NetworkPolicyPeer { PodSelector = pods },
        from homes in s_selectors select new V1NetworkPolicyPeer { NamespaceSelector = homes },
        from pods in s_selectors from homes in s_selectors select new V1NetworkPolicyPeer { PodSelector = pods, NamespaceSelector = homes },
        Gen.Constant(new V1NetworkPolicyPeer { IpBlock = new V1IPBlock { Cidr = "10.244.2.0/24" } }));

    private static readonly Gen<(IReadOnlyList<V1NetworkPolicyPeer> Peers, IReadOnlyList<V1NetworkPolicyPort> Ports)> s_rules =
        from peers in Gen.ListOf(s_peers, 2)
        from peerless in Gen.Elements(true, false, false)
        from port in Gen.Elements(80, 81, 0)
        select (
            (IReadOnlyList<V1NetworkPolicyPeer>)(peerless ? [] : [.. peers]),
            (IReadOnlyList<V1NetworkPolicyPort>)(port == 0 ? [] : [new V1NetworkPolicyPort { Protocol = "TCP", Port = new IntOrString(port) }]));

    private static readonly Gen<V1NetworkPolicySpec> s_specs =
        from selector in s_selectors
        from types in Gen.Elements<string[]?>(null, ["Ingress"], ["Egress"], ["Ingress", "Egress"])
        from ingress in Gen.ListOf(s_rules, 1)
        from egress in Gen.ListOf(s_rules, 1)
        from isBare in Gen.Elements(true, false)
        select new V1NetworkPolicySpec
        {
            PodSelector = selector,
            PolicyTypes = types,
            Ingress = isBare ? [] : [.. ingress.Select(static rule => new V1NetworkPolicyIngressRule { FromProperty = rule.Peers, Ports = rule.Ports })],
            Egress = isBare ? [] : [.. egress.Select(static rule => new V1NetworkPolicyEgressRule { To = rule.Peers, Ports = rule.Ports })],
        };

    private static readonly Gen<NetworkPolicyObserved> s_policies =
        from home in Gen.Elements(s_homes)
        from name in Gen.Elements("p", "q")
        from spec in s_specs
        from generation in Gen.Choose(1, 1_000_000)
        select new NetworkPolicyObserved(
            new NamespacedName(home, name),
            new V1NetworkPolicy { Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = home, Uid = $"{home}{name}", Generation = generation }, Spec = spec });

    private static readonly Gen<PodObserved> s_pods =
        from number in Gen.Choose(2, 4)
        from labels in s_labels
        select new PodObserved($"{number}", new LocalPod($"{number}", s_homes[number % 2], $"pod{number}", Ipv4Address.Parse($"10.244.1.{number}"), labels));

    private static readonly Gen<NamespaceObserved> s_namespaces =
        from home in Gen.Elements(s_homes)
        from labels in s_labels
        select new NamespaceObserved(home, labels);

    private static readonly Gen<CoherenceEvent> s_events = Gen.OneOf(
        s_policies.Select(static item => (CoherenceEvent)item),
        s_policies.Select(static item => (CoherenceEvent)(item with { Policy = null })),
        s_pods.Select(static item => (CoherenceEvent)item),
        s_pods.Select(static item => (CoherenceEvent)(item with { Pod = null })),
        s_namespaces.Select(static item => (CoherenceEvent)item));

    private static readonly Arbitrary<(ClusterView View, CoherenceEvent Event)> s_cases = (
        from pods in Gen.ListOf(s_pods, 4)
        from one in s_labels
        from other in s_labels
        from policies in Gen.ListOf(s_policies, 3)
        from observed in s_events
        select (
            ClusterView.Empty.After([.. pods, new NamespaceObserved("a", one), new NamespaceObserved("b", other), .. policies]),
            observed)).ToArbitrary();

    [Fact]
    public void No_endpoint_whose_verdicts_may_differ_is_left_out() => Prop.ForAll(s_cases, static item =>
    {
        var (next, plans) = FlushRules.Step(item.View, item.Event);
        var flushed = plans.Where(static plan => plan.Cause != FlushCause.PodAdded)
            .SelectMany(static plan => plan.Endpoints!).Select(static target => target.Uid).ToHashSet(StringComparer.Ordinal);
        return item.View.Pods.Keys.Where(uid => !Verdicts(item.View, next, uid).SequenceEqual(Verdicts(next, item.View, uid))).All(flushed.Contains);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_same_again_concerns_nobody() => Prop.ForAll(s_cases, static item =>
        FlushRules.Step(FlushRules.Step(item.View, item.Event).Next, item.Event).Plans.Count == 0).QuickCheckThrowOnFailure();

    [Fact]
    public void A_policy_leaves_the_pods_of_other_namespaces_alone() => Prop.ForAll(s_cases, static item =>
        item.Event is not NetworkPolicyObserved policy
        || FlushRules.Step(item.View, item.Event).Plans.SelectMany(static plan => plan.Endpoints!)
            .All(target => item.View.Pods[target.Uid].Namespace == policy.Name.Namespace)).QuickCheckThrowOnFailure();

    /// <summary>
    /// What the pod's own policies say to each peer there could be: every label set in every namespace, on another node or on this one,
    /// and each of the pods that are there before and after; on each port and in each direction.
    /// </summary>
    private static List<bool> Verdicts(ClusterView view, ClusterView other, string uid)
    {
        if (!view.Pods.TryGetValue(uid, out var pod))
        {
            return [];
        }

        var self = new TrafficEnd(IPAddress.Parse($"{pod.Address}"), End(view, pod.Namespace, pod.Name, pod.Labels));
        var possible = from home in s_homes
                       from x in s_values
                       from y in s_values[1..]
                       let labels = new[] { (Key: "x", Value: x), (Key: "y", Value: y) }
                           .Where(static label => label.Value.Length > 0).ToDictionary(static label => label.Key, static label => label.Value, StringComparer.Ordinal)
                       select new TrafficEnd(s_remote, End(view, home, "peer", labels));
        var present = Enumerable.Range(2, 3)
            .Select(number => $"{number}")
            .Where(peer => peer != uid && view.Pods.ContainsKey(peer) && other.Pods.ContainsKey(peer))
            .Select(peer => view.Pods[peer])
            .Select(peer => new TrafficEnd(IPAddress.Parse($"{peer.Address}"), End(view, peer.Namespace, peer.Name, peer.Labels)));
        var peers = possible.Concat(present).Append(new TrafficEnd(s_remote)).ToList();
        var ingress = Only(view, TrafficDirections.Ingress);
        var egress = Only(view, TrafficDirections.Egress);
        return
        [
            .. from peer in peers
               from port in s_ports
               from verdict in new[] { PolicyEvaluator.Allows(ingress, peer, self, port), PolicyEvaluator.Allows(egress, self, peer, port) }
               select verdict,
        ];
    }

    // With one direction alone the other end has no say.
    private static List<V1NetworkPolicy> Only(ClusterView view, TrafficDirections direction) =>
    [
        .. view.Policies.Values.Where(policy => PolicyScope.Directions(policy).HasFlag(direction))
            .Select(policy => policy with { Spec = policy.Spec with { PolicyTypes = [$"{direction}"] } }),
    ];

    private static PolicyPod End(ClusterView view, string home, string name, IReadOnlyDictionary<string, string> labels) =>
        new(new NamespacedName(home, name), labels, view.Namespaces[home]);
}
