using OnCache.Agent.Bpf;
using OnCache.Agent.Coherence;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Rules;
using OnCache.Agent.Tests.Datapath.Packets;
using OnCache.Api;

namespace OnCache.Agent.Tests.Datapath.Interleavings;

/// <summary>Something that the agent does so that what was decided before is of no use.</summary>
internal sealed record AgentChange(string Name, Action<InterleavingStage.WorkingAgent> Make)
{
    private static readonly NodeCacheConfigSpec s_settling = InterleavingStage.Spec with { Settle = TimeSpan.FromMinutes(1) };
    private static readonly FlushTarget s_pod = new(InterleavingStage.Pod.Uid, InterleavingStage.Pod.Address);

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
        new("a rule of the host comes", static agent => agent.Apply(Ruled(InterleavingStage.Pod with { Flags = EndpointFlags.Portless | EndpointFlags.Ruled }), InterleavingStage.Spec)) { MinimumPlaces = 4 },
        new("the lease becomes shorter", static agent => agent.Apply(InterleavingStage.Plan, InterleavingStage.Spec with { Lease = TimeSpan.FromSeconds(3) })) { MayBeFastAfter = true, LeftAfter = TimeSpan.FromSeconds(3) },
    ];

    public static AgentChange Named(string name) => All.Single(change => change.Name == name);

    private static NodePlan PlanOf(EndpointSpec pod) => InterleavingStage.PlanOf(pod);

    private static NodePlan Ruled(EndpointSpec pod) => PlanOf(pod) with
    {
        Regions = new RegionPlan(
            [
                new HostRegion { LocalMax = uint.MaxValue, RemoteMax = uint.MaxValue, LocalPortMax = ushort.MaxValue, RemotePortMin = 6000, RemotePortMax = 6000, Scope = RegionScope.Flows },
                new HostRegion { LocalMax = uint.MaxValue, RemoteMin = WellKnown.Ip("remote-pod").Value, RemoteMax = WellKnown.Ip("remote-pod").Value, LocalPortMax = ushort.MaxValue, RemotePortMax = ushort.MaxValue, Scope = RegionScope.Flows },
            ],
            [],
            [new RuledPod(pod.Uid, "default/pod", pod.Address, [], Respects: true)]),
    };

    private static PortExclusion Port(TransportProtocol protocol) => new() { Protocol = protocol, Port = 6000 };
}
