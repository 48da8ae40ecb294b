using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.NetworkPolicies;

/// <summary>
/// Whether network policies allow a connection to begin. Replies belong to it. Not asked about: what a node does with its own pods, which is
/// always allowed. Kubernetes leaves open what policies mean for protocols without ports; here rules that name ports do not allow them.
/// </summary>
/// <remarks>https://kubernetes.io/docs/concepts/services-networking/network-policies/</remarks>
public static class PolicyEvaluator
{
    private const string DefaultProtocol = "TCP";

    /// <summary>Whether the source may send and the destination may receive it. A pod may always talk to itself.</summary>
    /// <param name="policies">All policies.</param>
    /// <param name="source">Who begins.</param>
    /// <param name="destination">With whom.</param>
    /// <param name="port">On what port of the destination.</param>
    public static bool Allows(IReadOnlyCollection<V1NetworkPolicy> policies, TrafficEnd source, TrafficEnd destination, TrafficPort port) =>
        (source.Pod is { } one && destination.Pod is { } other && one.Name == other.Name)
        || ((source.Pod is not { } sender || Allows(policies, sender, TrafficDirections.Egress, destination, port))
            && (destination.Pod is not { } receiver || Allows(policies, receiver, TrafficDirections.Ingress, source, port)));

    /// <summary>What the policies of one pod say, whatever those of its peer do.</summary>
    /// <param name="policies">All policies, or all of the pod's namespace.</param>
    /// <param name="pod">The pod.</param>
    /// <param name="direction">Whether the pod begins (egress) or its peer does (ingress).</param>
    /// <param name="peer">The other end.</param>
    /// <param name="port">On what port of the destination.</param>
    public static bool Allows(IEnumerable<V1NetworkPolicy> policies, PolicyPod pod, TrafficDirections direction, TrafficEnd peer, TrafficPort port)
    {
        var destination = direction == TrafficDirections.Ingress ? pod : peer.Pod;
        var isIsolated = false;
        foreach (var policy in PolicyScope.InForce(policies, pod, direction))
        {
            // Rules add up: one that allows is enough, and no rule takes away.
            isIsolated = true;
            if (PolicyScope.Rules(policy, direction).Any(rule =>
                (rule.Peers.Count == 0 || rule.Peers.Any(clause => PeerMatching.Matches(clause, policy.Metadata.NamespaceProperty, peer)))
                && (rule.Ports.Count == 0 || rule.Ports.Any(wanted => Matches(wanted, destination, port)))))
            {
                return true;
            }
        }

        return !isIsolated;
    }

    private static bool Matches(V1NetworkPolicyPort wanted, PolicyPod? destination, TrafficPort actual)
    {
        if ((wanted.Protocol ?? DefaultProtocol) != actual.Protocol)
        {
            return false;
        }

        if (wanted.Port is not { } port)
        {
            return true;
        }

        if (port.Number is not { } first)
        {
            return destination?.Ports.Any(named => named.Name == port.Text && named.Protocol == actual.Protocol && named.Number == actual.Number) == true;
        }

        return actual.Number >= first && actual.Number <= (wanted.EndPort ?? first);
    }
}
