using System.Net;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.NetworkPolicies;

namespace OnCache.Operator.Peers;

/// <summary>A policy that no longer names an address it named.</summary>
/// <param name="Policy">The policy.</param>
/// <param name="Cause">What took the address away.</param>
internal readonly record struct PeerLoss(NamespacedName Policy, PeerCause Cause);

/// <summary>
/// All pods, namespaces and NetworkPolicies, and what each change takes away. Holds no clock and asks nobody; to be used by one thread.
/// </summary>
/// <remarks>
/// Only losses count: caches hold nothing but allowed flows, and rules of NetworkPolicies only add up, so a pod that is named by more clauses
/// than before makes no cached verdict wrong. A new pod under a new address therefore costs nothing; under the address of another it takes that
/// one's place, which is a loss. A changed policy is no loss here: every agent watches the policies itself.
/// </remarks>
internal sealed class ClusterPeers
{
    private static readonly IReadOnlyDictionary<string, string> s_unlabelled = new Dictionary<string, string>(StringComparer.Ordinal);

    private readonly Dictionary<string, PeerPod> _pods = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<PeerPod>> _homes = new(StringComparer.Ordinal);
    private readonly Dictionary<IPAddress, List<PeerPod>> _claims = [];
    private readonly Dictionary<string, IReadOnlyDictionary<string, string>> _namespaces = new(StringComparer.Ordinal);
    private readonly Dictionary<NamespacedName, V1NetworkPolicy> _policies = [];

    /// <summary>A pod is there, or is there differently.</summary>
    public IReadOnlyCollection<PeerLoss> Set(V1Pod pod) => Replace(pod.Metadata.Uid!, PeerPod.Of(pod));

    /// <summary>A pod is gone.</summary>
    public IReadOnlyCollection<PeerLoss> Remove(V1Pod pod) => Replace(pod.Metadata.Uid!, next: null);

    /// <summary>A namespace is there, or is there differently.</summary>
    public IReadOnlyCollection<PeerLoss> Set(V1Namespace home) => Label(home.Metadata.Name!, home.Metadata.Labels ?? s_unlabelled);

    /// <summary>A namespace is gone, and its labels with it.</summary>
    public IReadOnlyCollection<PeerLoss> Remove(V1Namespace home) => Label(home.Metadata.Name!, s_unlabelled);

    /// <summary>A policy is there, or is there differently.</summary>
    public void Set(V1NetworkPolicy policy)
    {
        if (PeerChanges.AreSeenBy(policy))
        {
            _policies[NamespacedName.Of(policy)] = policy;
        }
        else
        {
            Remove(policy);
        }
    }

    /// <summary>A policy is gone.</summary>
    public void Remove(V1NetworkPolicy policy) => _policies.Remove(NamespacedName.Of(policy));

    /// <summary>The nodes of the pods that the policy selects: where verdicts under it may be cached.</summary>
    public IReadOnlySet<string> NodesOf(NamespacedName policy) => _policies.TryGetValue(policy, out var found) ? Nodes(found) : new HashSet<string>(StringComparer.Ordinal);

    /// <summary>The nodes of all pods that policies with peers select.</summary>
    public IReadOnlySet<string> ConcernedNodes() => _policies.Values.SelectMany(Nodes).ToHashSet(StringComparer.Ordinal);

    private HashSet<string> Nodes(V1NetworkPolicy policy) => Home(policy.Metadata.NamespaceProperty!)
        .Where(pod => pod.Node is not null && PolicyScope.Selects(policy, pod.Name.Namespace, pod.Labels))
        .Select(static pod => pod.Node!)
        .ToHashSet(StringComparer.Ordinal);

    private HashSet<PeerLoss> Replace(string uid, PeerPod? next)
    {
        var known = _pods.GetValueOrDefault(uid);
        if (known is null ? next is null : next is not null && known.IsSame(next))
        {
            return [];
        }

        var addresses = (known?.Addresses ?? []).Union(next?.Addresses ?? []).ToArray();
        var owners = addresses.Select(Owner).ToArray();
        Forget(known);
        Remember(next);

        var losses = new HashSet<PeerLoss>();
        foreach (var (address, before) in addresses.Zip(owners))
        {
            var after = Owner(address);
            if (before is null || ReferenceEquals(before, after))
            {
                continue;
            }

            // Another pod under the same address may have the same labels, and still other names for its ports.
            var same = after?.Uid == before.Uid ? after : null;
            var cause = same is not null ? PeerCause.PodLabels
                : after is not null ? PeerCause.AddressReused
                : next is not null ? PeerCause.PodAddress
                : PeerCause.PodGone;
            var home = LabelsOf(before.Name.Namespace!);
            losses.UnionWith(Losses(_policies.Values, Presence(before, home, address), Presence(same, home, address), cause));
        }

        return losses;
    }

    private HashSet<PeerLoss> Label(string home, IReadOnlyDictionary<string, string> labels)
    {
        var before = LabelsOf(home);
        _namespaces[home] = labels;
        if (ReferenceEquals(labels, s_unlabelled))
        {
            _ = _namespaces.Remove(home);
        }

        var losses = new HashSet<PeerLoss>();
        if (before.Count == labels.Count && LabelMatching.Carries(before, labels))
        {
            return losses;
        }

        foreach (var pod in Home(home))
        {
            foreach (var address in pod.Addresses.Where(address => ReferenceEquals(Owner(address), pod)))
            {
                losses.UnionWith(Losses(
                    _policies.Values.Where(policy => !losses.Contains(new PeerLoss(NamespacedName.Of(policy), PeerCause.NamespaceLabels))).ToArray(),
                    Presence(pod, before, address),
                    Presence(pod, labels, address),
                    PeerCause.NamespaceLabels));
            }
        }

        return losses;
    }

    private static IEnumerable<PeerLoss> Losses(IEnumerable<V1NetworkPolicy> policies, PeerPresence? before, PeerPresence? after, PeerCause cause) =>
        PeerChanges.Between(policies, before, after, PeerChange.Lost).Select(policy => new PeerLoss(NamespacedName.Of(policy), cause));

    private static PeerPresence? Presence(PeerPod? pod, IReadOnlyDictionary<string, string> home, IPAddress address) =>
        pod is null ? null : new PeerPresence(new PolicyPod(pod.Name, pod.Labels, home), [address]);

    // Of two that claim one address the older is on its way out, and the API server has not said so yet.
    private PeerPod? Owner(IPAddress address) => _claims.TryGetValue(address, out var claims)
        ? claims
            .OrderBy(static pod => pod.IsLeaving)
            .ThenByDescending(static pod => pod.CreatedAt)
            .ThenBy(static pod => pod.Uid, StringComparer.Ordinal)
            .First()
        : null;

    private void Forget(PeerPod? pod)
    {
        if (pod is null)
        {
            return;
        }

        _ = _pods.Remove(pod.Uid);
        var home = _homes[pod.Name.Namespace!];
        if (home.Remove(pod) && home.Count == 0)
        {
            _ = _homes.Remove(pod.Name.Namespace!);
        }

        foreach (var address in pod.Addresses)
        {
            var claims = _claims[address];
            if (claims.Remove(pod) && claims.Count == 0)
            {
                _ = _claims.Remove(address);
            }
        }
    }

    private void Remember(PeerPod? pod)
    {
        if (pod is null)
        {
            return;
        }

        _pods[pod.Uid] = pod;
        if (!_homes.TryGetValue(pod.Name.Namespace!, out var home))
        {
            _homes[pod.Name.Namespace!] = home = new HashSet<PeerPod>(ReferenceEqualityComparer.Instance);
        }

        _ = home.Add(pod);
        foreach (var address in pod.Addresses)
        {
            if (!_claims.TryGetValue(address, out var claims))
            {
                _claims[address] = claims = new List<PeerPod>(1);
            }

            claims.Add(pod);
        }
    }

    private HashSet<PeerPod> Home(string name) => _homes.TryGetValue(name, out var pods) ? pods : [];

    private IReadOnlyDictionary<string, string> LabelsOf(string home) => _namespaces.GetValueOrDefault(home, s_unlabelled);
}
