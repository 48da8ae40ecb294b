using System.Reflection;
using OnCache.Agent.Bpf;
using OnCache.Agent.Configuration;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Telemetry;
using OnCache.Agent.Topology;
using OnCache.Api;

namespace OnCache.Agent.Daemon;

/// <summary>When this agent started, by both clocks.</summary>
internal readonly record struct AgentStart(DateTimeOffset At, long Timestamp);

/// <summary>Puts together what the agent tells about itself, from the loop's published state and the counters in the kernel.</summary>
internal sealed class StatusReport(
    NodeAgent agent,
    LoadedDatapath datapath,
    KernelCapabilities capabilities,
    string attach,
    IConfigurationSource configuration,
    TimeSpan deadline,
    AgentStart started,
    TimeProvider time) : IStatusSource
{
    public AgentHealth Health()
    {
        var live = agent.State is not null && agent.SinceLastTurn < deadline;
        return new AgentHealth(live, live, live ? null : agent.State is null ? "starting" : $"the event loop has not turned for {agent.SinceLastTurn.TotalSeconds:F1} s");
    }

    public AgentStatus Status(bool countFlows)
    {
        var health = Health();
        var state = agent.State ?? throw new InvalidOperationException("the agent has not started");
        var counters = state.EndpointSlots.ToDictionary(
            pair => pair.Key,
            pair => datapath.Maps.EndpointCounters.Read(pair.Value).Aggregate(default(EndpointCounters), static (sum, cpu) => sum + cpu));
        var reasons = Enum.GetValues<Reason>().ToDictionary(reason => reason, Sum);
        var flows = countFlows ? agent.Sweep() : agent.Flows;
        return new AgentStatus
        {
            Version = Version(),
            Node = state.Configuration.Node.Metadata.Name,
            Ready = health.Ready,
            NotReadyReason = health.Reason,
            UptimeSeconds = time.GetElapsedTime(started.Timestamp).TotalSeconds,
            StartedAt = started.At,
            Configuration = configuration.State,
            Capabilities = CapabilitiesOf(),
            Underlay = UnderlayOf(state.Plan),
            Sizes = SizesOf(state, flows),
            Conntrack = agent.ConntrackStatus,
            Endpoints = [.. state.Plan.Endpoints.Select(endpoint => EndpointOf(endpoint, state, counters))],
            RemoteNodes = [.. state.Plan.RemoteNodes.OrderBy(node => node.Address).Select(node => RemoteNodeOf(node, state))],
            Totals = TotalsOf(counters.Values.Aggregate(state.Retired, static (sum, one) => sum + one), reasons),
            Reasons =
            [
                .. reasons.Where(pair => pair.Value != default)
                    .Select(pair => new ReasonCount(ReasonText.Label(pair.Key), ReasonText.Describe(pair.Key), (long)pair.Value.Egress, (long)pair.Value.Ingress)),
            ],
            LastFlush = state.LastFlush is { } flush
                ? new LastFlush(flush.At, flush.Cause.ToString(), flush.Duration.TotalMicroseconds, flush.Endpoints) { Subject = flush.Subject, Nodes = flush.Nodes }
                : null,
            HostRules = state.HostRules.Rules,
            MoreHostRules = state.HostRules.MoreRules,
            NicFailures = state.NicFailures,
            SizesRefused = state.SizesRefused is { } refused ? new SizesRefused(refused.Reason, refused.Message) : null,
            Warnings = state.Warnings,
        };
    }

    private static string Version() =>
        typeof(StatusReport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private ReasonCounters Sum(Reason reason) => datapath.Maps.Reasons.Read((uint)reason)
        .Aggregate(default(ReasonCounters), static (sum, cpu) => new ReasonCounters(sum.Egress + cpu.Egress, sum.Ingress + cpu.Ingress));

    private static Totals TotalsOf(EndpointCounters counters, Dictionary<Reason, ReasonCounters> reasons)
    {
        long Of(ReasonKind kind) => reasons.Where(pair => ReasonText.Kind(pair.Key) == kind).Sum(pair => (long)(pair.Value.Egress + pair.Value.Ingress));
        var hits = (long)(counters.EgressPackets + counters.IngressPackets);
        var misses = Of(ReasonKind.Miss);
        return new Totals(hits, misses, hits + misses == 0 ? 0 : (double)hits / (hits + misses), Of(ReasonKind.Observed));
    }

    private Telemetry.Capabilities CapabilitiesOf() => new(
        capabilities.KernelRelease,
        attach,
        new Dictionary<string, Capability>(StringComparer.Ordinal)
        {
            ["btf"] = new(true, "/sys/kernel/btf/vmlinux"),
            ["conntrackLookup"] = new(capabilities.ConntrackLookup, "bpf_skb_ct_lookup, default zone"),
            ["icmpEcho"] = new(capabilities.SkbConntrack, capabilities.SkbConntrack ? "bpf_rdonly_cast" : "needs Linux 6.2"),
            ["tcx"] = new(capabilities.Tcx, capabilities.Tcx ? null : "needs Linux 6.6"),
        })
    {
        Memory = new CacheRoom(MemoryBudget.Read().ForCaches, DatapathSizes.Cpus),
    };

    private static UnderlayStatus UnderlayOf(NodePlan plan) => plan.Underlay.TryGet(out var underlay, out var refusal)
        ? new UnderlayStatus
        {
            Device = underlay.Tunnel.Name,
            Nic = underlay.Nic.Name,
            LocalAddress = underlay.LocalAddress.ToString(),
            Vni = (int)underlay.Tunnel.Vni,
            Port = underlay.Tunnel.Port,
            Mtu = underlay.Tunnel.Mtu,
        }
        : new UnderlayStatus { Reason = refusal.Message };

    private CacheFill SizesOf(AgentState state, int flows)
    {
        var sizes = datapath.Maps.Sizes;
        return new CacheFill(
            new CacheUse(sizes.Filter, flows, datapath.MapMemory(MapNames.FilterCache)),
            new CacheUse(sizes.Egress, state.Plan.NodeSpecs.Count, datapath.MapMemory(MapNames.EgressCache)),
            new CacheUse(sizes.Ingress, state.EndpointSlots.Count, datapath.MapMemory(MapNames.IngressCache)));
    }

    private EndpointStatus EndpointOf(PlannedEndpoint endpoint, AgentState state, Dictionary<Ipv4Address, EndpointCounters> counters)
    {
        var counted = counters.GetValueOrDefault(endpoint.Address);
        var (kind, cause, reason) = StateOf(endpoint, state);
        return new EndpointStatus
        {
            Namespace = endpoint.Pod.Namespace,
            Name = endpoint.Pod.Name,
            Uid = endpoint.Pod.Uid,
            Ip = endpoint.Pod.Ip.ToString(),
            Interface = endpoint.Attachment?.Value?.HostIfName,
            Mode = endpoint.Treatment.Mode,
            Protocols = [.. Enum.GetValues<Protocols>().Where(protocol => protocol is not (Protocols.None or Protocols.All) && endpoint.Treatment.Protocols.HasFlag(protocol)).Select(protocol => protocol.ToString().ToUpperInvariant())],
            Policy = endpoint.Treatment.PolicyName,
            State = kind,
            Cause = cause,
            Reason = reason,
            Flows = FlowsOf(endpoint.Address, state),
            ShortConnections = endpoint.Spec?.Flags.HasFlag(EndpointFlags.Portless) == true,
            Hits = new EndpointHits(
                new Traffic((long)counted.EgressPackets, (long)counted.EgressBytes),
                new Traffic((long)counted.IngressPackets, (long)counted.IngressBytes)),
        };
    }

    private (EndpointState State, string? Cause, string? Reason) StateOf(PlannedEndpoint endpoint, AgentState state)
    {
        if (endpoint.Treatment.Mode == AccelerationMode.Disabled)
        {
            return (EndpointState.Disabled, endpoint.Treatment.Cause.ToString(), endpoint.Treatment.Reason);
        }

        if (endpoint.Spec is null)
        {
            var underlay = state.Plan.Underlay.Refusal;
            return endpoint.Attachment?.Refusal is { } refusal
                ? (EndpointState.Waiting, refusal.Reason.ToString(), refusal.Message)
                : (EndpointState.Waiting, underlay?.Reason.ToString(), underlay?.Message);
        }

        if (state.WithoutRoom.Contains(endpoint.Address))
        {
            return (EndpointState.Waiting, null, "the ingress cache is full: raise spec.cacheSizes.ingress");
        }

        if (state.AttachFailures.TryGetValue(endpoint.Spec.IfIndex, out var failure))
        {
            return (EndpointState.Waiting, null, failure);
        }

        var attachment = endpoint.Attachment!.Value!;
        return (attachment.EgressShaped ?? attachment.IngressShaped) is { } shaped
            ? (EndpointState.Shaped, null, shaped)
            : Learned(endpoint, state);
    }

    private (EndpointState State, string? Cause, string? Reason) Learned(PlannedEndpoint endpoint, AgentState state)
    {
        var kind = endpoint.Spec!.Mode == EndpointMode.Accelerate ? EndpointState.Accelerated : EndpointState.Observed;
        return state.BeyondShare.Contains(endpoint.Address)
            ? (kind, nameof(CacheShare), $"a pod's share of the filter cache: it holds {FlowsOf(endpoint.Address, state)} entries, its new flows stay with the CNI; raise spec.cacheSizes.filter")
            : (kind, null, null);
    }

    private int FlowsOf(Ipv4Address pod, AgentState state) =>
        state.EndpointSlots.TryGetValue(pod, out var slot) ? CacheShare.Of(datapath.Maps.Held[slot]).Entries : 0;

    private static RemoteNodeStatus RemoteNodeOf(RemoteNodeResult node, AgentState state)
    {
        if (node.Resolution.Refusal is { } refusal)
        {
            return new RemoteNodeStatus(
                node.Address.ToString(),
                refusal.Reason == RemoteNodeReason.NextHopUnresolved ? RemoteNodeState.Waiting : RemoteNodeState.Withdrawn,
                refusal.Message);
        }

        return state.WithoutRoom.Contains(node.Address)
            ? new RemoteNodeStatus(node.Address.ToString(), RemoteNodeState.Waiting, "the egress cache is full: raise spec.cacheSizes.egress")
            : new RemoteNodeStatus(node.Address.ToString(), RemoteNodeState.Ready, null);
    }
}
