using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.NetworkPolicies;

/// <summary>
/// In which directions a pod is provably allowed everything: with every peer, on every port, whatever labels any other pod has or gets. What
/// the peer's own policies say is for the peer to prove.
/// </summary>
/// <remarks>
/// Sound, not complete. Only the absence of isolation and a rule without peers and ports count: any other rule depends on labels, addresses
/// or ports that somebody else may change.
/// </remarks>
public static class UnrestrictedTraffic
{
    /// <summary>The directions for which there is a proof.</summary>
    /// <param name="policies">All policies, or all of the pod's namespace.</param>
    /// <param name="pod">The pod.</param>
    public static TrafficDirections Of(IEnumerable<V1NetworkPolicy> policies, PolicyPod pod)
    {
        var isolated = TrafficDirections.None;
        var open = TrafficDirections.None;
        foreach (var policy in policies)
        {
            if (!PolicyScope.Selects(policy, pod))
            {
                continue;
            }

            isolated |= PolicyScope.Directions(policy);
            foreach (var direction in new[] { TrafficDirections.Ingress, TrafficDirections.Egress })
            {
                if (PolicyScope.Rules(policy, direction).Any(static rule => rule.IsOpen))
                {
                    open |= direction;
                }
            }
        }

        return (TrafficDirections.All & ~isolated) | open;
    }
}
