using OnCache.Agent.Net;

namespace OnCache.Agent.Coherence;

/// <summary>Which cached verdicts become void, and why.</summary>
/// <param name="Subject">The object that changed, for people: a pod, a policy, a device.</param>
/// <param name="Endpoints">The endpoints concerned; null for all of the node.</param>
/// <param name="Settle">
/// Hold learning for the settle time: the change may alter what the CNI decides, and packets it let pass before may
/// still be under way.
/// </param>
internal sealed record FlushPlan(FlushCause Cause, string Subject, IReadOnlyList<FlushTarget>? Endpoints, bool Settle)
{
    /// <summary>Remote nodes whose flows are concerned, whichever endpoint they are of.</summary>
    public IReadOnlyList<Ipv4Address> Nodes { get; init; } = [];

    /// <summary>Everything on the node.</summary>
    public static FlushPlan Everything(FlushCause cause, string subject, bool settle) => new(cause, subject, Endpoints: null, settle);
}

/// <summary>A pod of this node.</summary>
/// <param name="Uid">Its identity. A hold is remembered by it where the pod has no entry yet.</param>
/// <param name="Address">Its address; null while it has none.</param>
internal readonly record struct FlushTarget(string Uid, Ipv4Address? Address);

/// <summary>When the change that leads to a flush happened.</summary>
/// <param name="ReceivedAt">When its event reached the agent, as a Stopwatch timestamp.</param>
/// <param name="ChangedAt">When the object says it changed, to the second; null where it does not say.</param>
internal readonly record struct FlushTiming(long ReceivedAt, DateTimeOffset? ChangedAt = null);

/// <summary>A flush that was carried out.</summary>
/// <param name="Endpoints">How many endpoints it concerned.</param>
/// <param name="Nodes">How many remote nodes it concerned.</param>
/// <param name="Duration">From the event to the last verdict being unusable.</param>
internal sealed record FlushRecord(DateTimeOffset At, FlushCause Cause, string Subject, int Endpoints, int Nodes, TimeSpan Duration);
