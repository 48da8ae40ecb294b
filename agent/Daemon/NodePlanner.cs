using OnCache.Agent.Bpf;
using OnCache.Agent.Coherence;
using OnCache.Agent.Configuration;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Topology;
using OnCache.Api;

namespace OnCache.Agent.Daemon;

/// <summary>Network and configuration in, plan out. Pure: the same arguments give the same plan.</summary>
internal static class NodePlanner
{
    /// <param name="previous">The plan in force, null at first: what was once found of a pod is kept while nothing speaks against it.</param>
    public static NodePlan Plan(NetworkSnapshot snapshot, AgentConfiguration configuration, UnderlayOptions options, NodePlan? previous)
    {
        var resolution = UnderlayResolver.Resolve(snapshot, options);
        var missing = new List<NeighbourProbe>();
        var ports = new BridgePorts(snapshot);
        var before = previous?.Endpoints.ToLookup(static endpoint => endpoint.Pod.Uid, StringComparer.Ordinal);
        var endpoints = configuration.Local.Endpoints
            .Select(pod => PlanEndpoint(snapshot, ports, configuration, pod, resolution.Value, before?[pod.Uid].FirstOrDefault()))
            .ToList();
        missing.AddRange(endpoints.Select(endpoint => endpoint.Attachment?.Refusal?.Probe).OfType<NeighbourProbe>());
        IReadOnlyList<int> bridges =
        [
            .. endpoints.Select(static endpoint => endpoint.Attachment?.Value?.BridgeIfIndex ?? 0)
                .Concat(previous?.PodBridges ?? [])
                .Distinct()
                .Where(bridge => snapshot.Links.GetValueOrDefault(bridge)?.Kind == "bridge")
                .Order(),
        ];

        if (!resolution.TryGet(out var underlay, out _))
        {
            return new NodePlan
            {
                Underlay = resolution,
                RemoteNodes = [],
                Endpoints = endpoints,
                NodeSpecs = [],
                Missing = missing,
                InUse = [],
                PodBridges = bridges,
                Nics = [],
            };
        }

        var remote = RemoteNodeResolver.Resolve(snapshot, underlay);
        var reachable = remote.Select(result => result.Resolution.Value).OfType<RemoteNode>().ToList();
        missing.AddRange(remote.Select(result => result.Resolution.Refusal?.Probe).OfType<NeighbourProbe>());
        return new NodePlan
        {
            Underlay = resolution,
            RemoteNodes = remote,
            Endpoints = endpoints,
            NodeSpecs = [.. reachable.Select(node => Spec(underlay, node))],
            Missing = missing,
            InUse =
            [
                .. reachable.Select(node => new NeighbourProbe(node.NicIfIndex, node.NextHop)).Distinct(),
                .. endpoints.Where(endpoint => endpoint.Spec is not null).Select(endpoint => PodNeighbour(snapshot, endpoint)).OfType<NeighbourProbe>(),
            ],
            PodBridges = bridges,
            Nics = [.. reachable.Select(node => node.NicIfIndex).Append(underlay.Nic.IfIndex).Distinct().Order()],
        };
    }

    private static NodeSpec Spec(Underlay underlay, RemoteNode node) => new(
        node.Address,
        node.NicIfIndex,
        node.Mtu,
        HeaderTemplate.Vxlan(new VxlanPath(
            node.NicMac,
            node.NextHopMac,
            underlay.LocalAddress,
            node.Address,
            underlay.Tunnel.Ttl,
            underlay.Tunnel.Tos,
            underlay.Tunnel.DontFragment,
            underlay.Tunnel.Port,
            underlay.Tunnel.Vni,
            underlay.Tunnel.Mac,
            node.VtepMac)),
        node.TunnelAddress);

    private static PlannedEndpoint PlanEndpoint(
        NetworkSnapshot snapshot, BridgePorts ports, AgentConfiguration configuration, LocalEndpoint pod, Underlay? underlay, PlannedEndpoint? before)
    {
        var treatment = EndpointSelection.Select(configuration.Node.Spec, configuration.Namespaces, pod);
        if (treatment.Mode == AccelerationMode.Disabled || underlay is null)
        {
            return new PlannedEndpoint(pod, treatment, Attachment: null, Spec: null);
        }

        var address = Ipv4Address.From(pod.Ip);
        var attachment = EndpointResolver.Resolve(snapshot, ports, address, IsOwnFilter);
        if (attachment.Refusal is { } refusal && KnownBefore(snapshot, before, pod, refusal) is { } known)
        {
            attachment = known;
        }

        return new PlannedEndpoint(pod, treatment, attachment, attachment.Value is { } found ? Spec(configuration, pod, address, treatment, found) : null);
    }

    private static EndpointSpec Spec(
        AgentConfiguration configuration, LocalEndpoint pod, Ipv4Address address, EndpointTreatment treatment, EndpointAttachment found) => new(
        address,
        pod.Uid,
        found.HostIfIndex,
        found.PodMac,
        found.GatewayMac,
        found.Mtu,
        treatment.Mode == AccelerationMode.Accelerate ? EndpointMode.Accelerate : EndpointMode.Observe,
        (ProtocolBits)treatment.Protocols,
        (found.EgressShaped is null ? EndpointFlags.None : EndpointFlags.EgressShaped)
            | (found.IngressShaped is null ? EndpointFlags.None : EndpointFlags.IngressShaped)
            | (PortlessProof.Holds(configuration.Local, configuration.Namespaces, pod) ? EndpointFlags.Portless : EndpointFlags.None));

    /// <summary>
    /// Cached packets confirm neither the neighbour entry nor the bridge's forwarding entry, so both may age out under
    /// a busy pod. That alone is no reason to give up what was found: its veth is still there. Another MAC address is one.
    /// </summary>
    private static EndpointAttachment? KnownBefore(
        NetworkSnapshot snapshot, PlannedEndpoint? before, LocalEndpoint pod, Refusal<EndpointReason> refusal)
    {
        if (refusal.Reason is not (EndpointReason.NeighbourUnresolved or EndpointReason.PortUnknown)
            || refusal.Probe is not { } probe
            || snapshot.Neighbour(probe.IfIndex, probe.Address)?.State.HasFlag(NeighbourState.Failed) == true)
        {
            return null;
        }

        return before?.Attachment?.Value is { } attachment
            && before.Pod.Ip.Equals(pod.Ip)
            && (snapshot.Neighbour(probe.IfIndex, probe.Address)?.Mac is not { } mac || mac == attachment.PodMac)
            && snapshot.Links.TryGetValue(attachment.HostIfIndex, out var link)
            && link.IsUp
            && link.MasterIfIndex == attachment.BridgeIfIndex
            && link.PortState is null or BridgePortState.Forwarding
            && string.Equals(link.Name, attachment.HostIfName, StringComparison.Ordinal)
                ? attachment
                : null;
    }

    private static NeighbourProbe? PodNeighbour(NetworkSnapshot snapshot, PlannedEndpoint endpoint)
    {
        var veth = endpoint.Spec!.IfIndex;
        var device = snapshot.Links.GetValueOrDefault(veth) is { MasterIfIndex: not 0 } link ? link.MasterIfIndex : veth;
        return new NeighbourProbe(device, endpoint.Address);
    }

    /// <summary>Whether a filter is ours, whichever agent attached it.</summary>
    public static bool IsOwnFilter(TcFilter filter) =>
        filter.BpfName?.StartsWith(ProgramNames.Prefix, StringComparison.Ordinal) == true;
}
