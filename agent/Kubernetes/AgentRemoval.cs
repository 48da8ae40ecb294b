using OnCache.Kubernetes.Models;

namespace OnCache.Agent.Kubernetes;

/// <summary>What is known, when an agent is told to end, of the objects that its pod stands on.</summary>
/// <param name="Pod">The agent's own pod; null when the API server has never shown it.</param>
/// <param name="Namespace">The pod's namespace; null when it is gone.</param>
/// <param name="HasAccount">Whether the pod's service account is there.</param>
/// <param name="Owner">What the API server answers when it is asked for the pod's DaemonSet.</param>
internal sealed record AgentFooting(V1Pod? Pod, V1Namespace? Namespace, bool HasAccount, OwnerAnswer Owner);

/// <summary>The API server's answer about a DaemonSet.</summary>
/// <param name="IsKnown">Whether there was an answer: the API server may be away, or the right to ask gone.</param>
/// <param name="DaemonSet">The DaemonSet; null when there is none of that name.</param>
/// <param name="IsRefused">Whether the API server did answer, and does not tell this agent.</param>
internal readonly record struct OwnerAnswer(bool IsKnown, V1DaemonSet? DaemonSet, bool IsRefused = false);

/// <summary>
/// Whether an agent ends because it is being removed from the cluster, and not because it is restarted, upgraded, or its node drained.
/// Nobody tells a pod why it is ended; what has become of the objects it stands on does. Pure.
/// </summary>
internal static class AgentRemoval
{
    // Programs are detached from every pod, and all of conntrack is looked through: this is left of the pod's grace period for it.
    private static readonly TimeSpan s_cleaning = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan s_leastPatience = TimeSpan.FromSeconds(2);

    // A DaemonSet that leaves its pods behind has this until they have no owner any more.
    private const string OrphanFinalizer = "orphan";

    /// <summary>The DaemonSet that made this pod; null when it is nobody's or another's, for whom nothing is known to follow from its end.</summary>
    public static V1OwnerReference? OwnerOf(V1Pod? pod) => pod?.Metadata.OwnerReferences?.FirstOrDefault(static owner =>
        owner is { Controller: true, Kind: "DaemonSet" } && owner.ApiVersion.StartsWith("apps/", StringComparison.Ordinal));

    /// <summary>For how long the API server is asked before nothing is known: it may be starting again just then.</summary>
    public static TimeSpan PatienceOf(V1Pod? pod)
    {
        var grace = TimeSpan.FromSeconds(Math.Min(
            pod?.Spec.TerminationGracePeriodSeconds ?? 0, pod?.Metadata.DeletionGracePeriodSeconds ?? int.MaxValue));
        return grace - s_cleaning > s_leastPatience ? grace - s_cleaning : s_leastPatience;
    }

    /// <summary>Why no agent will follow this one; null on any doubt, and when one may.</summary>
    public static string? ReasonOf(AgentFooting footing)
    {
        if (OwnerOf(footing.Pod) is not { } owner)
        {
            return null;
        }

        // Never called back, and nothing can be made in it meanwhile.
        var home = footing.Pod!.Metadata.NamespaceProperty;
        if (footing.Namespace is not { Metadata.DeletionTimestamp: null })
        {
            return $"namespace {home} is being deleted";
        }

        if (!footing.Owner.IsKnown)
        {
            // Without it no pod can be made, and this one may not ask any more.
            return footing.HasAccount ? null : $"service account {home}/{footing.Pod.Spec.ServiceAccountName} was deleted";
        }

        return footing.Owner.DaemonSet?.Metadata switch
        {
            null => $"DaemonSet {home}/{owner.Name} was deleted",

            // Installed anew already: its agents take over what this one leaves.
            var other when other.Uid != owner.Uid => null,
            { DeletionTimestamp: not null } leaving when leaving.Finalizers?.Contains(OrphanFinalizer, StringComparer.Ordinal) != true =>
                $"DaemonSet {home}/{owner.Name} is being deleted",
            _ => null,
        };
    }
}
