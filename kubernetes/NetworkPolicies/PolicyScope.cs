using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.NetworkPolicies;

/// <summary>What a policy is about: pods, directions, and the rules of each direction.</summary>
public static class PolicyScope
{
    private const string Ingress = "Ingress";
    private const string Egress = "Egress";

    /// <summary>Whether the policy is about the pod.</summary>
    public static bool Selects(V1NetworkPolicy policy, PolicyPod pod) => Selects(policy, pod.Name.Namespace, pod.Labels);

    /// <summary>Whether the policy is about a pod of that namespace with these labels.</summary>
    public static bool Selects(V1NetworkPolicy policy, string? home, IReadOnlyDictionary<string, string> labels) =>
        policy.Metadata.NamespaceProperty == home && policy.Spec.PodSelector.Matches(labels);

    /// <summary>
    /// In which directions the policy isolates the pods it is about: in these it allows what its rules say, in the others it says nothing.
    /// </summary>
    public static TrafficDirections Directions(V1NetworkPolicy policy) => policy.Spec.PolicyTypes is { Count: > 0 } types
        ? (types.Contains(Ingress, StringComparer.Ordinal) ? TrafficDirections.Ingress : TrafficDirections.None)
            | (types.Contains(Egress, StringComparer.Ordinal) ? TrafficDirections.Egress : TrafficDirections.None)
        : TrafficDirections.Ingress | (policy.Spec.Egress.Count > 0 ? TrafficDirections.Egress : TrafficDirections.None);

    /// <summary>The policies that isolate the pod in one direction. Where there are none, everything is allowed.</summary>
    public static IEnumerable<V1NetworkPolicy> InForce(IEnumerable<V1NetworkPolicy> policies, PolicyPod pod, TrafficDirections direction) =>
        policies.Where(policy => Directions(policy).HasFlag(direction) && Selects(policy, pod));

    /// <summary>The rules in force for one direction; none where the policy says nothing about it, or allows nothing.</summary>
    public static IEnumerable<PolicyRule> Rules(V1NetworkPolicy policy, TrafficDirections direction) =>
        !Directions(policy).HasFlag(direction) ? []
        : direction == TrafficDirections.Ingress ? policy.Spec.Ingress.Select(static rule => new PolicyRule(rule.FromProperty, rule.Ports))
        : policy.Spec.Egress.Select(static rule => new PolicyRule(rule.To, rule.Ports));
}

/// <summary>A rule of either direction.</summary>
/// <param name="Peers">With whom; empty: with anyone.</param>
/// <param name="Ports">On which ports of the destination; empty: on all.</param>
public readonly record struct PolicyRule(IReadOnlyList<V1NetworkPolicyPeer> Peers, IReadOnlyList<V1NetworkPolicyPort> Ports)
{
    /// <summary>Whether it allows everything: what any peer does on any port.</summary>
    public bool IsOpen => Peers.Count == 0 && Ports.Count == 0;
}
