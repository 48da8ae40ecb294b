using System.Buffers.Binary;
using System.Diagnostics;
using OnCache.Agent.Bpf;
using OnCache.Agent.Cli;
using OnCache.Agent.Coherence;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Topology;
using OnCache.Api;

namespace OnCache.Agent.Daemon;

/// <summary>
/// Brings the kernel to a plan: settings, tables, programs on devices; and voids verdicts. Not thread-safe: the event
/// loop owns it.
/// </summary>
internal sealed class DatapathController
{
    private const int NoSuchDevice = 19;

    private readonly LoadedDatapath _datapath;
    private readonly IProgramAttacher _attacher;
    private readonly AgentSettings _settings;
    private readonly HashSet<int> _attachedEndpoints = [];
    private readonly HashSet<int> _attachedNics = [];
    private NodeCacheConfigSpec? _appliedSpec;
    private Underlay? _appliedUnderlay;
    private ProtocolBits _appliedProtocols;
    private ConntrackTimeouts? _appliedTimeouts;
    private bool _alive;

    public DatapathController(LoadedDatapath datapath, IProgramAttacher attacher, AgentSettings settings)
    {
        _datapath = datapath;
        _attacher = attacher;
        _settings = settings;
        Endpoints = new EndpointTable(datapath.Maps, MonotonicClock.Now, datapath.WaitForRunningPrograms);
        Nodes = new NodeTable(datapath.Maps, datapath.WaitForRunningPrograms);
    }

    public EndpointTable Endpoints { get; }

    public NodeTable Nodes { get; }

    /// <summary>Pods that found no place in the ingress cache, nodes that found none in the egress cache.</summary>
    public IReadOnlySet<Ipv4Address> WithoutRoom { get; private set; } = new HashSet<Ipv4Address>();

    /// <summary>Devices that refused our programs, and why.</summary>
    public IReadOnlyDictionary<int, string> AttachFailures { get; private set; } = new Dictionary<int, string>();

    public FlushRecord? LastFlush { get; private set; }

    /// <summary>
    /// The programs go on for the heartbeat timeout without another call. Where the deadline has passed since the last
    /// one (the process was stopped, the machine suspended), events may still wait to be read: what was cached before is
    /// void. So it is before the first call: by now every endpoint has its slot and can be held back.
    /// </summary>
    public void RenewHeartbeat(TimeSpan settle)
    {
        var now = MonotonicClock.Now();
        if (!_alive || now > Volatile.Read(ref Config.HeartbeatDeadline))
        {
            Flush(new FlushPlan(_alive ? FlushCause.Silence : FlushCause.AgentStart, Endpoints: null, Settle: true), settle);
        }

        _alive = true;
        Volatile.Write(ref Config.HeartbeatDeadline, now + MonotonicClock.Nanoseconds(_settings.HeartbeatTimeout));
    }

    private ref Config Config => ref _datapath.Maps.Config[0];

    /// <param name="protocols">What this node may accelerate at all.</param>
    public void Apply(NodePlan plan, NodeCacheConfigSpec spec, ProtocolBits protocols, ConntrackTimeouts timeouts)
    {
        var started = Stopwatch.GetTimestamp();
        ApplySettings(spec, protocols, timeouts);
        ApplyUnderlay(plan.Underlay.Value, spec);

        var settle = MonotonicClock.Nanoseconds(spec.Settle);
        var specs = plan.Endpoints.Select(endpoint => endpoint.Spec).OfType<EndpointSpec>().ToList();
        var changes = Endpoints.Apply(specs, settle);
        var nodesWithoutRoom = Nodes.Apply(plan.NodeSpecs);
        WithoutRoom = changes.NoRoom.Concat(nodesWithoutRoom).ToHashSet();
        if (changes.Flushed.Count > 0)
        {
            Record(FlushCause.Endpoint, changes.Flushed.Count, Stopwatch.GetElapsedTime(started, changes.FlushedAt));
        }

        var failures = new Dictionary<int, string>();
        AttachTo(failures, _attachedNics, plan.Nics, ProgramNames.OfNic);
        AttachTo(failures, _attachedEndpoints, Endpoints.Specs.Values.Select(item => item.IfIndex), ProgramNames.OfEndpoint);
        AttachFailures = failures;
    }

    /// <summary>Takes our programs off devices that an earlier agent attached to and this plan does not name.</summary>
    public void DetachLeftOvers()
    {
        foreach (var device in _attacher.AttachedDevices().Except(_attachedNics).Except(_attachedEndpoints).ToList())
        {
            Detach(device, ProgramNames.OfNic.Concat(ProgramNames.OfEndpoint));
        }
    }

    public FlushRecord Flush(FlushPlan plan, TimeSpan settle)
    {
        var started = Stopwatch.GetTimestamp();
        var learnAfter = plan.Settle ? MonotonicClock.Now() + MonotonicClock.Nanoseconds(settle) : 0;
        if (plan.Endpoints is { } endpoints)
        {
            foreach (var endpoint in endpoints)
            {
                Endpoints.Flush(endpoint, learnAfter);
            }

            return Record(plan.Cause, endpoints.Count, Stopwatch.GetElapsedTime(started));
        }

        Endpoints.HoldAll(learnAfter);
        Interlocked.Increment(ref Config.Epoch);
        return Record(plan.Cause, Endpoints.Count, Stopwatch.GetElapsedTime(started));
    }

    private FlushRecord Record(FlushCause cause, int endpoints, TimeSpan duration)
    {
        LastFlush = new FlushRecord(DateTimeOffset.UtcNow, cause, endpoints, duration);
        return LastFlush;
    }

    private void ApplySettings(NodeCacheConfigSpec spec, ProtocolBits protocols, ConntrackTimeouts timeouts)
    {
        if (timeouts != _appliedTimeouts)
        {
            Config.TouchInterval = MonotonicClock.Nanoseconds(timeouts.TouchInterval);
            Config.TimeoutTcpEstablished = MonotonicClock.Milliseconds(timeouts.TcpEstablished);
            Config.TimeoutTcpClosing = MonotonicClock.Milliseconds(timeouts.TcpFinWait);
            Config.TimeoutTcpClosed = MonotonicClock.Milliseconds(timeouts.TcpClose);
            Config.TimeoutUdpStream = MonotonicClock.Milliseconds(timeouts.UdpStream);
            _appliedTimeouts = timeouts;
        }

        if (_appliedSpec is not null && _appliedProtocols == protocols && _appliedSpec.Lease == spec.Lease
            && SameExclusions(_appliedSpec.Exclusions, spec.Exclusions))
        {
            return;
        }

        var first = _appliedSpec is null;
        Config.Mark = 1u << _settings.MarkBit;
        Config.Lease = MonotonicClock.Nanoseconds(spec.Lease);
        Config.Protocols = protocols;
        ApplyExclusions(spec.Exclusions);
        _appliedSpec = spec;
        _appliedProtocols = protocols;

        // What was learned under the old settings may have a longer lease, or be excluded now.
        Flush(new FlushPlan(first ? FlushCause.AgentStart : FlushCause.Configuration, Endpoints: null, Settle: first), spec.Settle);
    }

    private static bool SameExclusions(Exclusions left, Exclusions right) =>
        left.Cidrs.SequenceEqual(right.Cidrs) && left.Ports.SequenceEqual(right.Ports);

    private void ApplyExclusions(Exclusions exclusions)
    {
        var prefixes = exclusions.Cidrs
            .Select(cidr => new ExcludedPrefix((uint)cidr.PrefixLength, SlotIndex.ToNetwork(new Ipv4Address(cidr.Network))))
            .ToHashSet();
        var ports = exclusions.Ports
            .Select(item => new ExcludedPort
            {
                Protocol = item.Protocol == TransportProtocol.Tcp ? (byte)6 : (byte)17,
                Port = BinaryPrimitives.ReverseEndianness((ushort)item.Port),
            })
            .ToHashSet();
        Mirror(_datapath.Maps.ExcludedPrefixes, prefixes);
        Mirror(_datapath.Maps.ExcludedPorts, ports);
    }

    /// <summary>Adds before it removes: at no moment is anything learnable that old and new settings both exclude.</summary>
    private static void Mirror<TKey>(BpfMap<TKey, uint> map, HashSet<TKey> wanted)
        where TKey : unmanaged
    {
        var present = map.Keys();
        foreach (var key in wanted.Except(present))
        {
            map.Set(key, 1);
        }

        foreach (var key in present.Where(key => !wanted.Contains(key)))
        {
            map.Remove(key);
        }
    }

    private void ApplyUnderlay(Underlay? underlay, NodeCacheConfigSpec spec)
    {
        if (underlay is null || (_appliedUnderlay is { } applied && SameTunnel(applied, underlay)))
        {
            return;
        }

        var first = _appliedUnderlay is null;
        var tunnel = underlay.Tunnel;
        // No packet is ours while these fields disagree with each other.
        Config.TunnelPort = 0;
        _datapath.WaitForRunningPrograms();
        Config.NodeIp = SlotIndex.ToNetwork(underlay.LocalAddress);
        Config.TunnelId = BinaryPrimitives.ReverseEndianness(tunnel.Vni << 8);
        Config.SourcePortMin = tunnel.SourcePorts.Low;
        Config.SourcePortCount = (ushort)(tunnel.SourcePorts.High - tunnel.SourcePorts.Low);
        Config.InheritTos = tunnel.TosInherit ? (byte)1 : (byte)0;
        tunnel.Mac.CopyTo(Config.TunnelMac);
        Volatile.Write(ref Config.TunnelPort, BinaryPrimitives.ReverseEndianness(tunnel.Port));
        _appliedUnderlay = underlay;
        if (!first)
        {
            Flush(new FlushPlan(FlushCause.Underlay, Endpoints: null, Settle: true), spec.Settle);
        }
    }

    private static bool SameTunnel(Underlay left, Underlay right) =>
        left.LocalAddress == right.LocalAddress && left.Tunnel with { IfIndex = 0, Mtu = 0 } == right.Tunnel with { IfIndex = 0, Mtu = 0 };

    private void AttachTo(
        Dictionary<int, string> failures,
        HashSet<int> attached, IEnumerable<int> wanted, IReadOnlyList<(string Program, TcDirection Direction)> programs)
    {
        var devices = wanted.ToHashSet();
        foreach (var device in attached.Except(devices).ToList())
        {
            Detach(device, programs);
            attached.Remove(device);
        }

        foreach (var device in devices.Except(attached).ToList())
        {
            try
            {
                foreach (var (program, direction) in programs)
                {
                    _attacher.Attach(device, program, direction, _datapath.ProgramFd(program));
                }

                attached.Add(device);
            }
            catch (BpfException gone) when (gone.Errno == NoSuchDevice)
            {
                // It went after the snapshot was taken; the event that says so leads to the next turn.
            }
            catch (BpfException refused) when (_alive)
            {
                // One device must not end an agent that serves others: its packets stay on the CNI's path, the next
                // turn tries again. At the start it is an error, for whoever starts the agent to see.
                failures.Add(device, refused.Message);
                TakeBack(device, programs);
            }
        }
    }

    /// <summary>Half of our programs serve no one, and the device may be gone from the plan before the next attempt.</summary>
    private void TakeBack(int device, IReadOnlyList<(string Program, TcDirection Direction)> programs)
    {
        try
        {
            Detach(device, programs);
        }
        catch (BpfException)
        {
            // The same device refused twice. What stays on it finds no endpoint, or no partner, and passes everything on.
        }
    }

    private void Detach(int device, IEnumerable<(string Program, TcDirection Direction)> programs)
    {
        foreach (var (program, direction) in programs)
        {
            _attacher.Detach(device, program, direction);
        }
    }
}
