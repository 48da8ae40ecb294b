using System.Collections.Immutable;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Rules;
using OnCache.Agent.Topology;
using OnCache.Api;

namespace OnCache.Agent.Daemon;

/// <summary>All that the datapath shall be, for one state of the network and one configuration.</summary>
internal sealed record NodePlan
{
    public required Resolution<Underlay, UnderlayReason> Underlay { get; init; }

    /// <summary>The addresses of the forwarding table, reachable or not.</summary>
    public required ImmutableArray<RemoteNodeResult> RemoteNodes { get; init; }

    public required IReadOnlyList<PlannedEndpoint> Endpoints { get; init; }

    /// <summary>The reachable ones, as the egress cache shall hold them.</summary>
    public required IReadOnlyList<NodeSpec> NodeSpecs { get; init; }

    /// <summary>Neighbours whose resolution would complete the plan.</summary>
    public required IReadOnlyList<NeighbourProbe> Missing { get; init; }

    /// <summary>Neighbours that cached packets use without confirming them.</summary>
    public required IReadOnlyList<NeighbourProbe> InUse { get; init; }

    /// <summary>What rules of the host keep off the fast path.</summary>
    public RegionPlan Regions { get; init; } = RegionPlan.None;

    /// <summary>Bridges that pods are ports of, or were: what rules say of them goes on when the last pod has gone.</summary>
    public IReadOnlyList<int> PodBridges { get; init; } = [];

    /// <summary>NICs to attach to.</summary>
    public required IReadOnlyList<int> Nics { get; init; }
}

/// <summary>A pod of the configuration and what can be done for it.</summary>
/// <param name="Treatment">What the policies want.</param>
/// <param name="Attachment">Where it hangs; null where nothing was looked for, because it is disabled.</param>
/// <param name="Spec">As the ingress cache shall hold it; null when it shall not.</param>
internal sealed record PlannedEndpoint(
    LocalEndpoint Pod,
    EndpointTreatment Treatment,
    Resolution<EndpointAttachment, EndpointReason>? Attachment,
    EndpointSpec? Spec)
{
    public Ipv4Address Address => Ipv4Address.From(Pod.Ip);
}
