using OnCache.Agent.Coherence;
using OnCache.Agent.Net;
using OnCache.Agent.Topology;
using OnCache.Api;

namespace OnCache.Agent.Daemon;

/// <summary>Why tables differ from one plan to the next. Pure; what is named here has been done by the tables themselves.</summary>
internal static class PlanChanges
{
    /// <summary>By cause, the endpoints whose verdicts became void, but for pods that came or went: their own events say so.</summary>
    public static IEnumerable<FlushPlan> OfEndpoints(NodePlan? before, NodePlan after, IReadOnlyCollection<Ipv4Address> flushed)
    {
        if (before is null || flushed.Count == 0)
        {
            return [];
        }

        var old = before.Endpoints.ToLookup(static endpoint => endpoint.Address);
        var present = after.Endpoints.ToLookup(static endpoint => endpoint.Address);
        return
        [
            .. flushed
                .Select(address => (Was: Covered(old[address]), Is: Covered(present[address]) ?? present[address].FirstOrDefault()))
                .Where(static pair => pair is { Was: not null, Is: not null } && string.Equals(pair.Was.Pod.Uid, pair.Is.Pod.Uid, StringComparison.Ordinal))
                .GroupBy(pair => Cause(pair.Was!, pair.Is!, after))
                .Select(static group => new FlushPlan(
                    group.Key,
                    Subject("pod", [.. group.Select(static pair => $"{pair.Is!.Pod.Namespace}/{pair.Is.Pod.Name}")]),
                    [.. group.Select(static pair => new FlushTarget(pair.Is!.Pod.Uid, pair.Is.Address))],
                    Settle: false)),
        ];
    }

    /// <summary>By cause, the remote nodes that were added, withdrawn or rewritten.</summary>
    public static IEnumerable<FlushPlan> OfNodes(NodePlan? before, NodePlan after, IReadOnlyCollection<Ipv4Address> changed)
    {
        if (before is null || changed.Count == 0)
        {
            return [];
        }

        var old = before.RemoteNodes.ToDictionary(static node => node.Address, static node => node.Resolution);
        var present = after.RemoteNodes.ToDictionary(static node => node.Address, static node => node.Resolution);
        return
        [
            .. changed
                .GroupBy(address => Cause(old.GetValueOrDefault(address), present.GetValueOrDefault(address), after))
                .Select(static group => new FlushPlan(group.Key, Subject("node", [.. group.Select(static address => $"{address}")]), [], Settle: false)
                {
                    Nodes = [.. group],
                }),
        ];
    }

    private static PlannedEndpoint? Covered(IEnumerable<PlannedEndpoint> endpoints) => endpoints.FirstOrDefault(static endpoint => endpoint.Spec is not null);

    private static FlushCause Cause(PlannedEndpoint was, PlannedEndpoint now, NodePlan plan)
    {
        if (now.Spec is not { } spec)
        {
            return now.Treatment.Mode == AccelerationMode.Disabled ? FlushCause.Configuration
                : plan.Underlay.Refusal is not null ? FlushCause.LinkChanged
                : now.Attachment?.Refusal?.Reason switch
                {
                    EndpointReason.NeighbourUnresolved => FlushCause.NeighbourChanged,
                    EndpointReason.PortUnknown or EndpointReason.Ambiguous => FlushCause.FdbChanged,
                    EndpointReason.NotVeth or EndpointReason.PeerNotInPod or EndpointReason.DeviceDown => FlushCause.LinkChanged,
                    _ => FlushCause.RouteChanged,
                };
        }

        return was.Spec!.IfIndex != spec.IfIndex ? FlushCause.LinkChanged
            : was.Spec.PodMac != spec.PodMac ? FlushCause.NeighbourChanged
            : ((was.Spec.Flags ^ spec.Flags) & Bpf.EndpointFlags.Ruled) != Bpf.EndpointFlags.None ? FlushCause.HostRulesChanged
            : FlushCause.Configuration;
    }

    private static FlushCause Cause(Resolution<RemoteNode, RemoteNodeReason>? was, Resolution<RemoteNode, RemoteNodeReason>? now, NodePlan plan) =>
        (was?.Value, now?.Value) switch
        {
            (null, not null) when was is null => FlushCause.NodeAdded,
            (null, not null) => Cause(was!.Refusal!.Reason),
            (_, null) when now is not null => Cause(now.Refusal!.Reason),
            (_, null) => plan.Underlay.Refusal is null ? FlushCause.NodeRemoved : FlushCause.LinkChanged,
            ({ } old, { } present) when old.TunnelAddress != present.TunnelAddress || old.VtepMac != present.VtepMac => FlushCause.NodeAddressChanged,
            ({ } old, { } present) when old.NicIfIndex != present.NicIfIndex || old.NextHop != present.NextHop => FlushCause.RouteChanged,
            ({ } old, { } present) when old.NextHopMac != present.NextHopMac => FlushCause.NeighbourChanged,
            ({ } old, { } present) when old.Mtu != present.Mtu => FlushCause.MtuChanged,
            _ => FlushCause.LinkChanged,
        };

    private static FlushCause Cause(RemoteNodeReason reason) => reason switch
    {
        RemoteNodeReason.AmbiguousStation or RemoteNodeReason.ForwardingOverride => FlushCause.FdbChanged,
        RemoteNodeReason.NextHopUnresolved or RemoteNodeReason.NextHopFailed => FlushCause.NeighbourChanged,
        RemoteNodeReason.NotEthernet or RemoteNodeReason.DeviceDown => FlushCause.LinkChanged,
        RemoteNodeReason.MtuTooSmall => FlushCause.MtuChanged,
        RemoteNodeReason.Ipsec => FlushCause.IpsecChanged,
        _ => FlushCause.RouteChanged,
    };

    private static string Subject(string kind, IReadOnlyList<string> names) =>
        names.Count == 1 ? $"{kind} {names[0]}" : $"{kind} {names[0]} and {names.Count - 1} more";
}
