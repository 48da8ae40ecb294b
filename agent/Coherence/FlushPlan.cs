using OnCache.Agent.Net;

namespace OnCache.Agent.Coherence;

/// <summary>Which cached verdicts become void, and why.</summary>
/// <param name="Endpoints">The endpoints concerned; null for all of the node.</param>
/// <param name="Settle">
/// Hold learning for the settle time: the change may alter what the CNI decides, and packets it let pass before may
/// still be under way.
/// </param>
internal sealed record FlushPlan(FlushCause Cause, IReadOnlyList<Ipv4Address>? Endpoints, bool Settle);

internal enum FlushCause
{
    /// <summary>What happened while no agent ran is unknown.</summary>
    AgentStart,

    /// <summary>The heartbeat deadline passed while the agent lived: stopped, starved or suspended.</summary>
    Silence,

    /// <summary>Somebody asked: <c>oncache-agent flush</c>.</summary>
    Request,

    /// <summary>Lease, exclusions or what may be accelerated on this node changed.</summary>
    Configuration,

    /// <summary>A pod came, went, moved to another device or gave its address to another.</summary>
    Endpoint,

    /// <summary>The tunnel or the path to a remote node changed.</summary>
    Underlay,
}

/// <summary>A flush that was carried out.</summary>
/// <param name="Duration">From the decision to the last verdict being unusable.</param>
internal sealed record FlushRecord(DateTimeOffset At, FlushCause Cause, int Endpoints, TimeSpan Duration);
