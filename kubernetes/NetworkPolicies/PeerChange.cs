using System.Net;
using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.NetworkPolicies;

/// <summary>How a change of a pod alters whom a policy's clauses name.</summary>
[Flags]
public enum PeerChange
{
    /// <summary>They name the same addresses as before.</summary>
    None = 0,

    /// <summary>Some clause names an address that it did not name: more is allowed.</summary>
    Gained = 1,

    /// <summary>Some clause no longer names an address: what was allowed may be no more.</summary>
    Lost = 2,
}

/// <summary>A pod as a peer: what clauses know it by, and what enforcement knows it by.</summary>
/// <param name="Pod">Its labels and its namespace's.</param>
/// <param name="Addresses">The addresses it has.</param>
public sealed record PeerPresence(PolicyPod Pod, IReadOnlyCollection<IPAddress> Addresses);

/// <summary>Compares what policies make of a pod before and after a change of its labels, its namespace's labels, its phase or its addresses.</summary>
public static class PeerChanges
{
    /// <summary>How the change alters the addresses that the policy's clauses name.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="before">The pod as it was; <see langword="null"/> while it has not started, or has ended.</param>
    /// <param name="after">The pod as it is; <see langword="null"/> likewise.</param>
    /// <remarks>
    /// Clauses are compared one by one: a pod that moves from one rule to another may lose the first one's ports. Blocks of addresses and
    /// rules for anyone name an address whoever has it, and take part only where an egress rule calls a port by its name: which port that
    /// is, the pod at the address says.
    /// </remarks>
    public static PeerChange Between(V1NetworkPolicy policy, PeerPresence? before, PeerPresence? after)
    {
        var change = PeerChange.None;
        foreach (var naming in Namings(policy))
        {
            var was = before is null ? [] : naming(before);
            var now = after is null ? [] : naming(after);
            change |= was.All(now.Contains) ? PeerChange.None : PeerChange.Lost;
            change |= now.All(was.Contains) ? PeerChange.None : PeerChange.Gained;
        }

        return change;
    }

    /// <summary>The policies whose clauses lose or gain an address, as asked.</summary>
    public static IEnumerable<V1NetworkPolicy> Between(
        IEnumerable<V1NetworkPolicy> policies,
        PeerPresence? before,
        PeerPresence? after,
        PeerChange wanted) =>
        policies.Where(policy => (Between(policy, before, after) & wanted) != PeerChange.None);

    /// <summary>Whether the policy depends on pods other than those it is about.</summary>
    public static bool AreSeenBy(V1NetworkPolicy policy) => Namings(policy).Any();

    // By clause, the addresses of a pod that it names.
    private static IEnumerable<Func<PeerPresence, IReadOnlyCollection<IPAddress>>> Namings(V1NetworkPolicy policy)
    {
        var home = policy.Metadata.NamespaceProperty;
        var egress = PolicyScope.Rules(policy, TrafficDirections.Egress).ToArray();
        foreach (var clause in PolicyScope.Rules(policy, TrafficDirections.Ingress).Concat(egress).SelectMany(static rule => rule.Peers))
        {
            if (clause.IpBlock is null)
            {
                yield return peer => PeerMatching.Matches(clause, home, peer.Pod) ? peer.Addresses : [];
            }
        }

        foreach (var rule in egress.Where(static rule => rule.Ports.Any(static port => port.Port is { Text: not null })))
        {
            if (rule.Peers.Count == 0)
            {
                yield return static peer => peer.Addresses;
            }

            foreach (var block in rule.Peers.Select(static clause => clause.IpBlock).OfType<V1IPBlock>())
            {
                yield return peer => [.. peer.Addresses.Where(address => PeerMatching.Contains(block, address))];
            }
        }
    }
}
