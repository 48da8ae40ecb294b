using OnCache.Agent.Bpf;
using OnCache.Agent.Coherence;
using OnCache.Agent.Daemon;
using OnCache.Agent.Rules;
using OnCache.Agent.Tests.Datapath.Packets;
using OnCache.Api;

using static OnCache.Agent.Tests.Datapath.Interleavings.InterleavingStage;

namespace OnCache.Agent.Tests.Datapath.Interleavings;

/// <summary>Something that the agent does so that what was decided before is of no use.</summary>
internal sealed record AgentChange(string Name, Action<InterleavingStage.WorkingAgent> Make)
{
    private static readonly NodeCacheConfigSpec s_settling = InterleavingStage.Spec with { Settle = TimeSpan.FromMinutes(1) };
    private static readonly HostRegion s_ofPort = Region(remote: null, 6000, 6000);
    private static readonly HostRegion s_ofPeer = Region("remote-pod", 0, ushort.MaxValue);
    private static readonly HostRegion s_ofOthers = Region("outside", 0, ushort.MaxValue);
    private static readonly FlushTarget s_pod = new(InterleavingStage.Pod.Uid, InterleavingStage.Pod.Address);

    /// <summary>What the agent has done before anything is learned.</summary>
    public Action<InterleavingStage.WorkingAgent> Given { get; init; } = static _ => { };

    /// <summary>What has happened by then.</summary>
    public Action<InterleavingStage> Prepare { get; init; } = static _ => { };

    /// <summary>Whether packets may take the fast path before it is done.</summary>
    public bool MayBeFastDuring { get; init; } = true;

    /// <summary>Whether they may after it, too, for no longer than <see cref="LeftAfter"/>.</summary>
    public bool MayBeFastAfter { get; init; }

    /// <summary>How long what was decided before may count as learned when it is done.</summary>
    public TimeSpan LeftAfter { get; init; }

    /// <summary>Fewer would mean that stores go past the seam.</summary>
    public int MinimumPlaces { get; init; } = 2;

    public static IReadOnlyList<AgentChange> All { get; } =
    [
        new("a flush of the pod", static agent => agent.Flush(new FlushPlan(FlushCause.Request, "pod", [s_pod], Settle: true))) { MinimumPlaces = 3 },
        new("a flush of everything", static agent => agent.Flush(FlushPlan.Everything(FlushCause.Request, "all", settle: true))) { MinimumPlaces = 3 },
        new("a flush of a node", static agent => agent.Flush(new FlushPlan(FlushCause.NodeRemoved, "node", [], Settle: true) { Nodes = [InterleavingStage.RemoteNode.Address] })) { MinimumPlaces = 3 },
        new("a beat that comes late", static agent => agent.Controller.RenewHeartbeat(TimeSpan.FromMinutes(1)))
        {
            Prepare = static stage => stage.Maps.Config[0].HeartbeatDeadline = MonotonicClock.Now() - MonotonicClock.Nanoseconds(TimeSpan.FromSeconds(1)),
            MayBeFastDuring = false,
            MinimumPlaces = 4,
        },
        new("another agent takes over", static agent => agent.TakeOver(s_settling)) { MinimumPlaces = 4 },
        new("a port is excluded", static agent => agent.Apply(InterleavingStage.Plan, InterleavingStage.Spec with { Exclusions = new Exclusions { Ports = [Port(TransportProtocol.Tcp), Port(TransportProtocol.Udp)] } })),
        new("the peer is excluded", static agent => agent.Apply(InterleavingStage.Plan, InterleavingStage.Spec with { Exclusions = new Exclusions { CidrTexts = ["10.244.2.0/24"] } })),
        new("the node accelerates fewer protocols", static agent => agent.Apply(InterleavingStage.Plan, InterleavingStage.Spec, ProtocolBits.Icmp)),
        new("the pod is only observed", static agent => agent.Apply(PlanOf(InterleavingStage.Pod with { Mode = EndpointMode.Observe }), InterleavingStage.Spec)) { LeftAfter = InterleavingStage.Spec.Lease },
        new("fewer protocols of the pod", static agent => agent.Apply(PlanOf(InterleavingStage.Pod with { Protocols = ProtocolBits.Icmp }), InterleavingStage.Spec)),
        new("a policy may restrict the pod", static agent => agent.Apply(PlanOf(InterleavingStage.Pod with { Flags = EndpointFlags.None }), s_settling)) { MinimumPlaces = 3 },
        new("another pod has the address", static agent => agent.Apply(PlanOf(InterleavingStage.Endpoint("other-pod", "uid-other")), s_settling)) { MinimumPlaces = 4 },
        new("the pod goes", static agent => agent.Apply(InterleavingStage.Plan with { Endpoints = [] }, s_settling)) { MinimumPlaces = 3 },
        new("a rule of the host comes", static agent => agent.Apply(Ruled(s_ofPort, s_ofPeer), InterleavingStage.Spec)) { MinimumPlaces = 4 },
        new("another rule of the host comes", static agent => agent.Apply(Ruled(s_ofOthers, s_ofPeer), InterleavingStage.Spec))
        {
            Given = static agent => agent.Apply(Ruled(s_ofOthers), InterleavingStage.Spec),
            MinimumPlaces = 3,
        },
        new("the lease becomes shorter", static agent => agent.Apply(InterleavingStage.Plan, InterleavingStage.Spec with { Lease = TimeSpan.FromSeconds(3) })) { MayBeFastAfter = true, LeftAfter = TimeSpan.FromSeconds(3) },
    ];

    public static AgentChange Named(string name) => All.Single(change => change.Name == name);

    private static NodePlan Ruled(params IReadOnlyList<HostRegion> regions)
    {
        var pod = InterleavingStage.Pod with { Flags = EndpointFlags.Portless | EndpointFlags.Ruled };
        return PlanOf(pod) with { Regions = new RegionPlan([.. regions], [], [new RuledPod(pod.Uid, "default/pod", pod.Address, [], Respects: true)]) };
    }

    private static HostRegion Region(string? remote, ushort portMin, ushort portMax) => new()
    {
        LocalMax = uint.MaxValue,
        RemoteMin = remote is null ? 0 : WellKnown.Ip(remote).Value,
        RemoteMax = remote is null ? uint.MaxValue : WellKnown.Ip(remote).Value,
        LocalPortMax = ushort.MaxValue,
        RemotePortMin = portMin,
        RemotePortMax = portMax,
        Scope = RegionScope.Flows,
    };

    private static PortExclusion Port(TransportProtocol protocol) => new() { Protocol = protocol, Port = 6000 };
}
