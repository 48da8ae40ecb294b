using System.Collections.Immutable;
using OnCache.Agent.Net;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.NetworkPolicies;

namespace OnCache.Agent.Coherence;

/// <summary>
/// What an event makes void. Pure. Every change that can alter a verdict of the CNI for an endpoint flushes that endpoint; a change
/// that cannot leaves it alone.
/// </summary>
/// <remarks>
/// Events of different kinds come by different watches and in any order. Each is judged by all that is known when it comes, so the last
/// of several that act together flushes what they do together.
/// </remarks>
internal static class FlushRules
{
    public static (ClusterView Next, IReadOnlyList<FlushPlan> Plans) Step(ClusterView view, CoherenceEvent observed) => observed switch
    {
        PodObserved pod => (view with { Pods = Set(view.Pods, pod.Uid, pod.Pod) }, [.. OfPod(view, pod)]),
        NamespaceObserved home => (view with { Namespaces = Set(view.Namespaces, home.Name, home.Labels) }, [.. OfNamespace(view, home)]),
        NetworkPolicyObserved policy => (view with { Policies = Set(view.Policies, policy.Name, policy.Policy) }, [.. OfPolicy(view, policy)]),
        NetworkPolicyGap => (view, [.. OfPolicyGap(view)]),
        CniPolicyObserved policy =>
            (view with { CniPolicies = Set(view.CniPolicies, policy.Policy, policy.Version) }, [.. OfCniPolicy(view, policy)]),
        PeersSignalled signal => (view with { PeerRevision = signal.Revision }, [.. OfPeers(view, signal)]),
        CniPolicyGap gap => (view, [FlushPlan.Everything(FlushCause.WatchGap, $"{gap.Kind}", settle: true)]),
        _ => throw new ArgumentOutOfRangeException(nameof(observed), observed, "an event without a rule"),
    };

    private static IEnumerable<FlushPlan> OfPod(ClusterView view, PodObserved observed)
    {
        var before = view.Pods.GetValueOrDefault(observed.Uid);
        var after = observed.Pod;
        switch (before?.Address, after?.Address)
        {
            case (null, { } address):
                var cause = IsTaken(address) ? FlushCause.PodReplaced : FlushCause.PodAdded;
                yield return new FlushPlan(cause, after!.Subject, [after.Target], Settle: cause == FlushCause.PodReplaced);
                break;
            case ({ } address, null) when IsTaken(address):
                // The next owner was seen first, and what was cached went then.
                break;
            case ({ }, null):
                cause = after is { HasEnded: true } ? FlushCause.PodCompleted : FlushCause.PodDeleted;
                yield return new FlushPlan(cause, before!.Subject, [before.Target], Settle: true);
                break;
            case ({ } was, { } now) when was != now:
                yield return new FlushPlan(FlushCause.PodReplaced, after!.Subject, [before!.Target, after.Target], Settle: true);
                break;
        }

        if (before is null || after is null)
        {
            yield break;
        }

        var changed = !Labels.Same(before.Labels, after.Labels);
        if (changed || observed.AfterGap)
        {
            // As a subject the pod is concerned; as a peer those whose policies name it otherwise than before, or may have in between.
            var was = PolicyPodOf(view, before);
            var now = PolicyPodOf(view, after);
            var others = Selected(view, policy => Clauses(policy).Any(clause => observed.AfterGap
                ? clause.IpBlock is null
                : Names(policy, clause, was) != Names(policy, clause, now)));
            yield return new FlushPlan(
                observed.AfterGap ? FlushCause.WatchGap : FlushCause.PodLabelsChanged,
                after.Subject,
                [after.Target, .. others.Where(target => !string.Equals(target.Uid, after.Uid, StringComparison.Ordinal))],
                Settle: true);
        }

        bool IsTaken(Ipv4Address address) =>
            view.Pods.Values.Any(other => other.Address == address && !string.Equals(other.Uid, observed.Uid, StringComparison.Ordinal));
    }

    private static IEnumerable<FlushPlan> OfNamespace(ClusterView view, NamespaceObserved observed)
    {
        // One that comes has no pods yet, one that goes has none left.
        if (!view.Namespaces.TryGetValue(observed.Name, out var before) || observed.Labels is not { } after
            || (!observed.AfterGap && Labels.Same(before, after)))
        {
            yield break;
        }

        var cause = observed.AfterGap ? FlushCause.WatchGap : FlushCause.NamespaceLabelsChanged;
        var subject = $"namespace {observed.Name}";
        if (!view.CniPolicies.IsEmpty)
        {
            // They may select and name pods by their namespaces' labels, in words that are not known here.
            yield return FlushPlan.Everything(cause, subject, settle: true);
            yield break;
        }

        var concerned = Selected(view, policy => Clauses(policy).Any(clause => clause is { IpBlock: null, NamespaceSelector: { } selector }
            && (observed.AfterGap || selector.Matches(before) != selector.Matches(after))));
        if (concerned.Count > 0)
        {
            yield return new FlushPlan(cause, subject, concerned, Settle: true);
        }
    }

    private static IEnumerable<FlushPlan> OfPolicy(ClusterView view, NetworkPolicyObserved observed)
    {
        var before = view.Policies.GetValueOrDefault(observed.Name);
        var after = observed.Policy;
        if ((before is null && after is null) || (before is not null && after is not null && HaveSameRules(before, after)))
        {
            yield break;
        }

        var concerned = Targets(view, pod => Selects(before, pod) || Selects(after, pod));
        if (concerned.Count > 0)
        {
            var cause = before is null ? FlushCause.NetworkPolicyAdded
                : after is null ? FlushCause.NetworkPolicyDeleted
                : FlushCause.NetworkPolicyChanged;
            yield return new FlushPlan(cause, $"NetworkPolicy {observed.Name}", concerned, Settle: true);
        }
    }

    /// <summary>
    /// A policy that came and went unseen may have allowed something that was cached. Whom no policy selects now is allowed everything,
    /// so nothing cached for it can be wrong; everyone else is flushed.
    /// </summary>
    private static IEnumerable<FlushPlan> OfPolicyGap(ClusterView view)
    {
        var concerned = Selected(view, static _ => true);
        if (concerned.Count > 0)
        {
            yield return new FlushPlan(FlushCause.WatchGap, "NetworkPolicies", concerned, Settle: true);
        }
    }

    private static IEnumerable<FlushPlan> OfCniPolicy(ClusterView view, CniPolicyObserved observed)
    {
        if (string.Equals(view.CniPolicies.GetValueOrDefault(observed.Policy), observed.Version, StringComparison.Ordinal))
        {
            yield break;
        }

        var (kind, name) = observed.Policy;
        var subject = $"{kind} {name}";
        if (!kind.IsConfined || name.Namespace is not { } home)
        {
            yield return FlushPlan.Everything(FlushCause.CniPolicyChanged, subject, settle: true);
        }
        else if (Targets(view, pod => string.Equals(pod.Namespace, home, StringComparison.Ordinal)) is { Count: > 0 } concerned)
        {
            yield return new FlushPlan(FlushCause.CniPolicyChanged, subject, concerned, Settle: true);
        }
    }

    private static IEnumerable<FlushPlan> OfPeers(ClusterView view, PeersSignalled signal)
    {
        // Before the first signal nothing was missed: an agent that starts holds nothing to be valid.
        if (view.PeerRevision is not { } seen || seen == signal.Revision)
        {
            yield break;
        }

        var isKnown = signal.Revision == seen + 1 && signal.Policies?.All(view.Policies.ContainsKey) == true;
        var concerned = Selected(view, policy => !isKnown || signal.Policies!.Contains(NamespacedName.Of(policy)));
        if (concerned.Count > 0)
        {
            var subject = isKnown ? $"peers of {string.Join(", ", signal.Policies!.Take(3))}" : "peers of any policy";
            yield return new FlushPlan(FlushCause.PeerSignal, subject, concerned, Settle: true);
        }
    }

    // The API server counts changes of the spec; an object of another uid is another one.
    private static bool HaveSameRules(V1NetworkPolicy one, V1NetworkPolicy other) =>
        one.Metadata.Generation is { } generation && generation == other.Metadata.Generation
        && string.Equals(one.Metadata.Uid, other.Metadata.Uid, StringComparison.Ordinal);

    private static List<FlushTarget> Selected(ClusterView view, Func<V1NetworkPolicy, bool> concerned)
    {
        var policies = view.Policies.Values.Where(concerned).ToList();
        return Targets(view, pod => policies.Exists(policy => Selects(policy, pod)));
    }

    private static List<FlushTarget> Targets(ClusterView view, Func<LocalPod, bool> concerned) =>
        [.. view.Pods.Values.Where(pod => !pod.HasEnded && concerned(pod)).Select(static pod => pod.Target)];

    private static bool Selects(V1NetworkPolicy? policy, LocalPod pod) =>
        policy is not null && PolicyScope.Selects(policy, pod.Namespace, pod.Labels);

    private static IEnumerable<V1NetworkPolicyPeer> Clauses(V1NetworkPolicy policy) =>
        PolicyScope.Rules(policy, TrafficDirections.Ingress).Concat(PolicyScope.Rules(policy, TrafficDirections.Egress))
            .SelectMany(static rule => rule.Peers);

    private static bool Names(V1NetworkPolicy policy, V1NetworkPolicyPeer clause, PolicyPod pod) =>
        PeerMatching.Matches(clause, policy.Metadata.NamespaceProperty, pod);

    private static PolicyPod PolicyPodOf(ClusterView view, LocalPod pod) => new(
        new(pod.Namespace, pod.Name), pod.Labels, view.Namespaces.GetValueOrDefault(pod.Namespace, Labels.None));

    private static ImmutableDictionary<TKey, T> Set<TKey, T>(ImmutableDictionary<TKey, T> content, TKey key, T? value)
        where TKey : notnull
        where T : class =>
        value is null ? content.Remove(key) : content.SetItem(key, value);
}
