using OnCache.Operator.Status;

namespace OnCache.Operator.Removal;

/// <summary>Whether a deleted policy may go.</summary>
/// <param name="IsDone">Whether nothing is accelerated under it any more, or waiting is over.</param>
/// <param name="Missing">Nodes whose agents have not said so, in the order of their names.</param>
internal sealed record RemovalVerdict(bool IsDone, IReadOnlyList<string> Missing);

/// <summary>Decides when the finalizer of a deleted policy is removed.</summary>
internal static class PolicyRemoval
{
    /// <summary>
    /// How long a silent agent is waited for. An agent that is dead accelerates nothing after its heartbeat deadline of seconds; one that
    /// is cut off from the API server learns of the deletion when it is back. Neither must keep an object from being deleted for ever.
    /// </summary>
    public static TimeSpan Deadline { get; } = TimeSpan.FromMinutes(2);

    /// <summary>Decides.</summary>
    /// <param name="policy">The policy's name.</param>
    /// <param name="deletedAt">When its deletion was asked for.</param>
    /// <param name="covered">The nodes it covered.</param>
    /// <param name="reports">The reports of the nodes that still exist.</param>
    /// <param name="now">The time.</param>
    public static RemovalVerdict Decide(
        string policy,
        DateTimeOffset deletedAt,
        IReadOnlySet<string> covered,
        IEnumerable<NodeReport> reports,
        DateTimeOffset now)
    {
        var missing = reports
            .Where(report => IsInvolved(policy, covered, report) && !IsCurrent(report))
            .Select(report => report.Node)
            .Order(StringComparer.Ordinal)
            .ToArray();
        return new RemovalVerdict(missing.Length == 0 || now - deletedAt >= Deadline, missing);
    }

    // A node may have left the policy's selector with its agent still to hear of it.
    private static bool IsInvolved(string policy, IReadOnlySet<string> covered, NodeReport report) =>
        covered.Contains(report.Node)
        || report.Status?.Policies.Any(item => string.Equals(item.Name, policy, StringComparison.Ordinal)) == true;

    // An agent that never reported has nothing in force; what a current one has in force no longer holds the policy.
    private static bool IsCurrent(NodeReport report) =>
        report.Status is not { } status || (report.InStep && status.ObservedGeneration >= report.Generation);
}
