using System.Diagnostics;
using System.Net;
using System.Numerics;
using System.Runtime.InteropServices;

using OnCache.Agent.Bpf;
using OnCache.Agent.Cli;
using OnCache.Agent.Coherence;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Tests.Bpf;
using OnCache.Agent.Tests.Daemon;
using OnCache.Agent.Tests.Datapath.Packets;
using OnCache.Agent.Topology;
using OnCache.Api;

namespace OnCache.Agent.Tests.Datapath.Interleavings;

/// <summary>A node with an agent at work, and the programs by hand: whoever learns, and whoever takes the fast path.</summary>
public sealed class InterleavingStage : IDisposable
{
    private static readonly ConntrackTimeouts s_timeouts = new(
        TimeSpan.FromDays(5), TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(2),
        TimeSpan.FromSeconds(30));

    private readonly Stage _stage;

    public InterleavingStage() => _stage = new Stage(static kernel => kernel, Places);

    internal PlacesBetweenStores Places { get; } = new();

    internal Stage Kernel => _stage;

    internal DatapathMaps Maps => _stage.Maps;

    /// <summary>What the agent has been told at first: learning waits for nothing, so that there is something to lose.</summary>
    internal static NodeCacheConfigSpec Spec { get; } = new() { Settle = TimeSpan.Zero, Lease = TimeSpan.FromSeconds(30) };

    internal static EndpointSpec Pod { get; } = Endpoint("pod", "uid-pod");

    internal static NodeSpec RemoteNode { get; } = Node("next-hop");

    internal static NodePlan Plan { get; } = PlanOf(Pod);

    /// <summary>The programs' far ends, with what a packet was at their near ends.</summary>
    internal TrafficClassIndex FarEnd(string program) => new(_stage.Datapath.ProgramFd(program), _stage.AttachTypeOf(program), Stage.MissBit);

    /// <summary>Everything known and nothing cached; an agent that has been at work for a while.</summary>
    /// <param name="given">What it has done beside that.</param>
    internal WorkingAgent Begin(Action<WorkingAgent> given)
    {
        _stage.Reset();
        for (var region = 0u; region < Layout.HostRegions; region++)
        {
            Maps.HostRegions[region] = default;
        }

        var agent = new WorkingAgent(this);
        agent.Apply(Plan, Spec);
        agent.Controller.RenewHeartbeat(TimeSpan.Zero);
        // The first beat takes proofs back, the next turn gives them.
        agent.Apply(Plan, Spec);
        given(agent);
        // The programs' clock lags behind, and would find learning held for a tick.
        Maps.IngressCache[Stage.PodSlot].LearnAfter = 0;
        return agent;
    }

    /// <summary>All that the agent stores for programs, but for maps that are written by calls.</summary>
    internal byte[] Stored() =>
    [
        .. Bytes(Maps.Config), .. Bytes(Maps.IngressCache), .. Bytes(Maps.EgressCache), .. Bytes(Maps.HostRegions),
    ];

    /// <summary>Entries whose epochs are in force and that carry a packet of some direction.</summary>
    internal IReadOnlyList<FilterEntry> Verdicts(ulong now) =>
    [
        .. Maps.FilterCache.Keys()
            .Select(key => Maps.FilterCache.TryGet(key, out var entry) ? entry : default)
            .Where(entry => entry.Epoch == Maps.Config[0].Epoch && entry.EndpointEpoch == Maps.IngressCache[entry.Endpoint].Epoch)
            .Where(entry => entry.Node == Layout.IndexNone || entry.NodeEpoch == Maps.EgressCache[entry.Node].Epoch)
            .Where(entry => Maps.IngressCache[entry.Endpoint].IfIndex != 0)
            .Where(entry => Math.Max(entry.EgressLease, entry.IngressLease) > now),
    ];

    public void Dispose() => _stage.Dispose();

    internal static EndpointSpec Endpoint(string mac, string uid) => new(
        WellKnown.Ip("pod"), uid, Stage.IfIndex(mac), WellKnown.Mac(mac), WellKnown.Mac("gateway"), 1450, EndpointMode.Accelerate, ProtocolBits.All, EndpointFlags.Portless);

    internal static NodeSpec Node(string nextHop) => new(
        WellKnown.Ip("remote-node"),
        Stage.IfIndex("nic"),
        1450,
        HeaderTemplate.Vxlan(new VxlanPath(
            WellKnown.Mac("nic"),
            WellKnown.Mac(nextHop),
            WellKnown.Ip("node"),
            WellKnown.Ip("remote-node"),
            64,
            0,
            DontFragment: false,
            WellKnown.TunnelPort,
            WellKnown.Vni,
            WellKnown.Mac("tunnel"),
            WellKnown.Mac("remote-tunnel"))),
        WellKnown.Ip("remote-gateway"));

    internal static NodePlan PlanOf(EndpointSpec pod) => new()
    {
        Underlay = new Underlay
        {
            Tunnel = new TunnelDevice
            {
                IfIndex = 400,
                Name = "flannel.1",
                Mac = WellKnown.Mac("tunnel"),
                Vni = WellKnown.Vni,
                Port = WellKnown.TunnelPort,
                SourcePorts = new PortRange(WellKnown.SourcePortMin, WellKnown.SourcePortMin + WellKnown.SourcePortCount),
                Ttl = 64,
                Tos = 0,
                TosInherit = false,
                DontFragment = false,
                UdpChecksum = false,
                Mtu = 1450,
                BoundIfIndex = 0,
            },
            Nic = new UnderlayNic(Stage.IfIndex("nic"), "nic", WellKnown.Mac("nic"), 1500),
            LocalAddress = WellKnown.Ip("node"),
        },
        RemoteNodes = [],
        Endpoints =
        [
            new PlannedEndpoint(
                new LocalEndpoint { Name = "pod", Namespace = "default", Uid = pod.Uid, Ip = IPAddress.Parse(pod.Address.ToString()) },
                new EndpointTreatment(AccelerationMode.Accelerate, Protocols.All, PolicyName: null, default, ""),
                Attachment: null,
                pod),
        ],
        NodeSpecs = [RemoteNode],
        Missing = [],
        InUse = [],
        Nics = [Stage.IfIndex("nic")],
    };

    private DatapathController NewController() => new(_stage.Datapath, new IdleAttacher(), new AgentSettings { MarkBit = BitOperations.Log2(Stage.MissBit) }, static (_, _) => { });

    private static byte[] Bytes<TValue>(MappedArray<TValue> map)
        where TValue : unmanaged =>
        [.. Enumerable.Range(0, map.Length).SelectMany(at => MemoryMarshal.AsBytes(new ReadOnlySpan<TValue>(in map[(uint)at])).ToArray())];

    /// <summary>An agent, as far as it has to do with programs.</summary>
    internal sealed class WorkingAgent(InterleavingStage stage)
    {
        private NodePlan? _plan;

        public DatapathController Controller { get; private set; } = stage.NewController();

        public void Apply(NodePlan plan, NodeCacheConfigSpec spec, ProtocolBits protocols = ProtocolBits.All, params IReadOnlyList<FlushPlan> voided)
        {
            Controller.Apply(plan, _plan, voided, spec, protocols, s_timeouts, Now);
            _plan = plan;
        }

        public void Flush(FlushPlan plan) => Controller.Flush(plan, TimeSpan.FromMinutes(1), Now);

        /// <summary>The process is another one, over the same maps.</summary>
        public void TakeOver(NodeCacheConfigSpec spec)
        {
            Controller = stage.NewController();
            _plan = null;
            Apply(Plan, spec);
            Controller.RenewHeartbeat(spec.Settle);
        }

        private static FlushTiming Now => new(Stopwatch.GetTimestamp());
    }
}
