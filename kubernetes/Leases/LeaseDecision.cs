using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.Leases;

/// <summary>What a candidate may do with a lease. Pure functions; the only clock is how long the lease has looked the same to us.</summary>
internal static class LeaseDecision
{
    /// <summary>Whether <paramref name="identity"/> may write itself into the lease.</summary>
    /// <param name="lease">The lease as read.</param>
    /// <param name="identity">The candidate.</param>
    /// <param name="unchangedFor">How long, by our own clock, the lease has had this version.</param>
    public static bool MayTake(V1LeaseSpec lease, string identity, TimeSpan unchangedFor) =>
        string.IsNullOrEmpty(lease.HolderIdentity)
        || lease.HolderIdentity == identity
        // The holder's own promise, not our settings: two versions of a program may disagree about the duration.
        || unchangedFor >= TimeSpan.FromSeconds(lease.LeaseDurationSeconds ?? 0);

    /// <summary>The lease with <paramref name="identity"/> as its holder.</summary>
    public static V1LeaseSpec Taken(V1LeaseSpec lease, string identity, TimeSpan duration, DateTimeOffset now)
    {
        var renewal = lease.HolderIdentity == identity;
        return lease with
        {
            HolderIdentity = identity,
            LeaseDurationSeconds = (int)duration.TotalSeconds,
            AcquireTime = renewal ? lease.AcquireTime : now,
            RenewTime = now,
            LeaseTransitions = (lease.LeaseTransitions ?? 0) + (renewal ? 0 : 1),
        };
    }

    /// <summary>The lease without a holder, free to be taken at once.</summary>
    public static V1LeaseSpec Released(V1LeaseSpec lease, DateTimeOffset now) =>
        lease with { HolderIdentity = string.Empty, LeaseDurationSeconds = 1, RenewTime = now };
}
