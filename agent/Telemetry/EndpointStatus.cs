using OnCache.Api;

namespace OnCache.Agent.Telemetry;

/// <summary>One pod of this node.</summary>
internal sealed record EndpointStatus
{
    /// <summary>The pod's namespace.</summary>
    public required string Namespace { get; init; }

    /// <summary>The pod's name.</summary>
    public required string Name { get; init; }

    /// <summary>The pod's UID.</summary>
    public required string Uid { get; init; }

    /// <summary>The pod's address.</summary>
    public required string Ip { get; init; }

    /// <summary>The host's end of its veth pair; absent until found.</summary>
    public string? Interface { get; init; }

    /// <summary>What the policies ask for.</summary>
    public required AccelerationMode Mode { get; init; }

    /// <summary>The protocols they ask it for, by name.</summary>
    public IReadOnlyList<string> Protocols { get; init => field = value ?? []; } = [];

    /// <summary>The policy that decided, when one did.</summary>
    public string? Policy { get; init; }

    /// <summary>What is the case.</summary>
    public required EndpointState State { get; init; }

    /// <summary>
    /// Why it is not accelerated, as one word, such as <c>HostRule</c> for a rule of the host, or <c>CacheShare</c> where its new flows are not; absent
    /// where the state says all there is.
    /// </summary>
    public string? Cause { get; init; }

    /// <summary>Why.</summary>
    public string? Reason { get; init; }

    /// <summary>Whether its connections may begin on the fast path: no policy restricts it.</summary>
    public bool ShortConnections { get; init; }

    /// <summary>Entries of the filter cache that are its own.</summary>
    public int Flows { get; init; }

    /// <summary>What took the fast path.</summary>
    public required EndpointHits Hits { get; init; }
}

/// <summary>What took the fast path at one pod.</summary>
/// <param name="Egress">From the pod.</param>
/// <param name="Ingress">To the pod.</param>
internal sealed record EndpointHits(Traffic Egress, Traffic Ingress);

/// <summary>What is the case at an endpoint.</summary>
internal enum EndpointState
{
    /// <summary>Its flows take the fast path once learned.</summary>
    Accelerated,

    /// <summary>Its flows are learned and counted, not redirected.</summary>
    Observed,

    /// <summary>The policies, an exclusion or the pod itself keep it on the CNI's path.</summary>
    Disabled,

    /// <summary>Something has to appear first: its interface, its neighbour entry, a free place in the ingress cache.</summary>
    Waiting,

    /// <summary>Something on its way must see every packet: a bandwidth limit, a foreign filter, a rule of the host.</summary>
    Shaped,
}

/// <summary>One node the egress cache knows.</summary>
/// <param name="Address">Its outer address.</param>
/// <param name="State">Whether packets can be sent to it on the fast path.</param>
/// <param name="Reason">Why not; absent when they can.</param>
internal sealed record RemoteNodeStatus(string Address, RemoteNodeState State, string? Reason);

/// <summary>Whether packets can be sent to a node on the fast path.</summary>
internal enum RemoteNodeState
{
    /// <summary>They can.</summary>
    Ready,

    /// <summary>A route or a neighbour has to appear first.</summary>
    Waiting,

    /// <summary>Its next hop stopped answering.</summary>
    Withdrawn,
}
