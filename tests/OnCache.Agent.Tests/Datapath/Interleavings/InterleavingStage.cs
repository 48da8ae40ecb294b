using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;

using OnCache.Agent.Bpf;
using OnCache.Agent.Cli;
using OnCache.Agent.Coherence;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Tests.Daemon;
using OnCache.Agent.Tests.Datapath.Packets;
using OnCache.Agent.Topology;
using OnCache.Api;

namespace OnCache.Agent.Tests.Datapath.Interleavings;

/// <summary>A node with an agent at work, and the programs by hand: whoever learns, and whoever takes the fast path.</summary>
public sealed class InterleavingStage : IDisposable
{
    private readonly Stage _stage;

    public InterleavingStage() => _stage = new Stage(static kernel => kernel, Places);

    internal PlacesBetweenStores Places { get; } = new();

    internal Stage Kernel => _stage;

    internal DatapathMaps Maps => _stage.Maps;

    /// <summary>What the agent has been told at first: learning waits for nothing, so that there is something to lose.</summary>
    internal static NodeCacheConfigSpec Spec { get; } = new() { Settle = TimeSpan.Zero, Lease = TimeSpan.FromSeconds(30) };

    internal static EndpointSpec Pod { get; } = Endpoint("pod", "uid-pod");

    internal static NodeSpec RemoteNode { get; } =
        new(WellKnown.Ip("remote-node"), Stage.IfIndex("nic"), 1450, Stage.TemplateOf("remote-node"), WellKnown.Ip("remote-gateway"));

    internal static NodePlan Plan { get; } = PlanOf(Pod);

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

    internal static NodePlan PlanOf(EndpointSpec pod) => SamplePlan.Of(
        new SampleTunnel(WellKnown.Ip("node"), WellKnown.Mac("tunnel"), WellKnown.Vni, new PortRange(WellKnown.SourcePortMin, WellKnown.SourcePortMin + WellKnown.SourcePortCount)),
        new UnderlayNic(Stage.IfIndex("nic"), "nic", WellKnown.Mac("nic"), 1500),
        [pod],
        RemoteNode);

    private DatapathController NewController() => new(_stage.Datapath, new IdleAttacher(), new AgentSettings { MarkBit = BitOperations.Log2(Stage.MissBit) }, static (_, _) => { });

    private static byte[] Bytes<TValue>(MappedArray<TValue> map)
        where TValue : unmanaged =>
        [.. Enumerable.Range(0, map.Length).SelectMany(at => MemoryMarshal.AsBytes(new ReadOnlySpan<TValue>(in map[(uint)at])).ToArray())];

    /// <summary>An agent, as far as it has to do with programs.</summary>
    internal sealed class WorkingAgent(InterleavingStage stage)
    {
        private NodePlan? _plan;

        public DatapathController Controller { get; private set; } = stage.NewController();

        public void Apply(NodePlan plan, NodeCacheConfigSpec spec, ProtocolBits protocols = ProtocolBits.All)
        {
            Controller.Apply(plan, _plan, voided: [], spec, protocols, SamplePlan.Timeouts, Now);
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
