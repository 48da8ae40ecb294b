using System.Buffers.Binary;
using System.Collections.Immutable;
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
/// Brings the kernel to a plan: settings, tables, programs on devices; and voids verdicts. The event loop owns it; only
/// flushes of endpoints, or of everything, may come from any thread.
/// </summary>
internal sealed class DatapathController
{
    private const int NoSuchDevice = 19;

    private readonly LoadedDatapath _datapath;
    private readonly IProgramAttacher _attacher;
    private readonly AgentSettings _settings;
    private readonly Action<FlushRecord, DateTimeOffset?> _flushed;
    private readonly HashSet<int> _attachedEndpoints = [];
    private readonly HashSet<int> _attachedNics = [];
    private NodeCacheConfigSpec? _appliedSpec;
    private Underlay? _appliedUnderlay;
    private ProtocolBits _appliedProtocols;
    private ConntrackTimeouts? _appliedTimeouts;
    private ImmutableArray<HostRegion> _appliedRegions = [];
    private HashSet<uint>? _ownPrograms;
    private volatile FlushRecord? _lastFlush;
    private bool _alive;

    /// <param name="flushed">Hears of every flush, on the thread that asked for it.</param>
    public DatapathController(
        LoadedDatapath datapath, IProgramAttacher attacher, AgentSettings settings, Action<FlushRecord, DateTimeOffset?> flushed)
    {
        _flushed = flushed;
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

    public FlushRecord? LastFlush => _lastFlush;

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
            Flush(FlushPlan.Everything(_alive ? FlushCause.Silence : FlushCause.AgentStart, _alive ? "heartbeat" : "agent", settle: true), settle, Now);
        }

        _alive = true;
        Volatile.Write(ref Config.HeartbeatDeadline, now + MonotonicClock.Nanoseconds(_settings.HeartbeatTimeout));
    }

    private HashSet<uint> OwnPrograms => _ownPrograms ??= [.. ProgramNames.OfNic.Concat(ProgramNames.OfEndpoint).Select(one => _datapath.ProgramInfo(one.Program).Id)];

    private ref Config Config => ref _datapath.Maps.Config[0];

    private static FlushTiming Now => new(Stopwatch.GetTimestamp());

    /// <param name="before">The plan in force; null at first.</param>
    /// <param name="voided">What became void by changes that leave the tables as they are: of routes, IPsec, rules of the host.</param>
    /// <param name="protocols">What this node may accelerate at all.</param>
    /// <param name="timing">When the first of the changes that led to this plan came.</param>
    public void Apply(
        NodePlan plan,
        NodePlan? before,
        IReadOnlyList<FlushPlan> voided,
        NodeCacheConfigSpec spec,
        ProtocolBits protocols,
        ConntrackTimeouts timeouts,
        FlushTiming timing)
    {
        ApplySettings(spec, protocols, timeouts, timing);
        ApplyUnderlay(plan.Underlay.Value, spec, timing);
        if (ApplyRegions(plan.Regions.Entries))
        {
            var ruled = plan.Regions.Targets.Union(before?.Regions.Targets ?? []).ToList();
            voided = [.. voided, new FlushPlan(FlushCause.HostRulesChanged, "regions of the host's rules", ruled, Settle: false)];
        }

        foreach (var flush in voided)
        {
            Flush(flush, spec.Settle, timing);
        }

        var specs = plan.Endpoints.Select(endpoint => endpoint.Spec).OfType<EndpointSpec>().ToList();
        var endpoints = Endpoints.Apply(specs, MonotonicClock.Nanoseconds(spec.Settle));
        var nodes = Nodes.Apply(plan.NodeSpecs);
        WithoutRoom = endpoints.NoRoom.Concat(nodes.NoRoom).ToHashSet();
        foreach (var change in PlanChanges.OfEndpoints(before, plan, endpoints.Flushed))
        {
            Record(change, endpoints.FlushedAt, timing);
        }

        foreach (var change in PlanChanges.OfNodes(before, plan, nodes.Changed))
        {
            Record(change, nodes.WithdrawnAt, timing);
        }

        var failures = new Dictionary<int, string>();
        AttachTo(failures, _attachedNics, plan.Nics, ProgramNames.OfNic);
        AttachTo(failures, _attachedEndpoints, Endpoints.Specs.Values.Select(item => item.IfIndex), ProgramNames.OfEndpoint);
        AttachFailures = failures;
    }

    public bool IsBeforeOurs(TcFilter filter) => _attacher.IsBeforeOurs(filter);

    /// <summary>
    /// The programs of others at a tcx hook, by name; without one where the kernel does not tell: by its number alone it shows a program to an
    /// administrator of the whole machine only.
    /// </summary>
    /// <exception cref="BpfException">The kernel refused to list them.</exception>
    public IReadOnlyList<string> ForeignPrograms(int device, TcDirection direction, bool behindOurs)
    {
        var others = _attacher.Others(device, direction, behindOurs, OwnPrograms);
        return others.Count == 0 ? [] : [.. others.Select(static id => BpfProgramInfo.OfId(id)?.Name ?? "")];
    }

    /// <summary>The devices that are there and should have our programs, each with them.</summary>
    public IReadOnlyList<(int Device, IReadOnlyList<(string Program, TcDirection Direction)> Programs)> Attached(NetworkSnapshot snapshot) =>
    [
        .. _attachedNics.Where(snapshot.Links.ContainsKey).Select(static device => (device, ProgramNames.OfNic)),
        .. _attachedEndpoints.Where(snapshot.Links.ContainsKey).Select(static device => (device, ProgramNames.OfEndpoint)),
    ];

    /// <summary>Of each such device the first program that is not there. From any thread: it waits for the kernel.</summary>
    public IReadOnlyList<(int Device, string Program)> Missing(IReadOnlyList<(int Device, IReadOnlyList<(string Program, TcDirection Direction)> Programs)> attached)
    {
        var ids = attached.SelectMany(static at => at.Programs).Select(static one => one.Program).Distinct(StringComparer.Ordinal)
            .ToDictionary(static program => program, program => _datapath.ProgramInfo(program).Id, StringComparer.Ordinal);
        var missing = new List<(int Device, string Program)>();
        foreach (var (device, programs) in attached)
        {
            foreach (var (program, direction) in programs)
            {
                if (!_attacher.IsAttached(device, program, direction, ids[program]))
                {
                    missing.Add((device, program));
                    break;
                }
            }
        }

        return missing;
    }

    /// <summary>Puts back what somebody took off a device; whether there is anything to do.</summary>
    public bool Restore(IReadOnlyList<(int Device, string Program)> missing, NetworkSnapshot snapshot)
    {
        // Where it should be no more, nobody took it off.
        var gone = missing.Where(one => snapshot.Links.ContainsKey(one.Device) && (_attachedNics.Remove(one.Device) | _attachedEndpoints.Remove(one.Device))).ToList();
        if (gone.Count == 0)
        {
            return false;
        }

        // The next application attaches to every device that it does not know to have them.
        Flush(
            FlushPlan.Everything(FlushCause.ProgramRestored, string.Join(", ", gone.Take(3).Select(one => $"{one.Program} on {snapshot.NameOf(one.Device)}")), settle: false),
            TimeSpan.Zero,
            Now);
        return true;
    }

    /// <summary>Takes our programs off devices that an earlier agent attached to and this plan does not name.</summary>
    public void DetachLeftOvers()
    {
        foreach (var device in _attacher.AttachedDevices().Except(_attachedNics).Except(_attachedEndpoints).ToList())
        {
            Detach(device, ProgramNames.OfNic.Concat(ProgramNames.OfEndpoint));
        }
    }

    public FlushRecord Flush(FlushPlan plan, TimeSpan settle, FlushTiming timing)
    {
        var learnAfter = plan.Settle ? MonotonicClock.Now() + MonotonicClock.Nanoseconds(settle) : 0;
        if (plan.Endpoints is { } endpoints)
        {
            foreach (var endpoint in endpoints)
            {
                Endpoints.Flush(endpoint, learnAfter);
            }

            if (plan.Nodes.Count > 0)
            {
                // A packet on the old way to a node may be of any endpoint, and must not be learned from once it arrives.
                Endpoints.HoldAll(learnAfter);
            }

            foreach (var node in plan.Nodes)
            {
                Nodes.Flush(node);
            }
        }
        else
        {
            Endpoints.HoldAll(learnAfter);
            Interlocked.Increment(ref Config.Epoch);
        }

        return Record(plan, Stopwatch.GetTimestamp(), timing);
    }

    private FlushRecord Record(FlushPlan plan, long voidAt, FlushTiming timing)
    {
        var record = new FlushRecord(
            DateTimeOffset.UtcNow, plan.Cause, plan.Subject, plan.Endpoints?.Count ?? Endpoints.Count, plan.Nodes.Count, Stopwatch.GetElapsedTime(timing.ReceivedAt, voidAt));
        _lastFlush = record;
        _flushed(record, timing.ChangedAt);
        return record;
    }

    private void ApplySettings(NodeCacheConfigSpec spec, ProtocolBits protocols, ConntrackTimeouts timeouts, FlushTiming timing)
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
        Flush(
            first
                ? FlushPlan.Everything(FlushCause.AgentStart, "agent", settle: true)
                : FlushPlan.Everything(FlushCause.Configuration, "lease, exclusions or protocols", settle: false),
            spec.Settle,
            timing);
    }

    /// <summary>
    /// Written before anything is flushed, so what is learned after a flush is learned by these. A learner that reads them meanwhile may miss one;
    /// what it records is void by the flush of the pods concerned.
    /// </summary>
    private bool ApplyRegions(ImmutableArray<HostRegion> regions)
    {
        if (_appliedRegions.SequenceEqual(regions))
        {
            return false;
        }

        var map = _datapath.Maps.HostRegions;
        for (var i = 0; i < regions.Length; i++)
        {
            map[(uint)i] = regions[i];
        }

        Volatile.Write(ref Config.HostRegions, (uint)regions.Length);
        _appliedRegions = regions;
        return true;
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

    private void ApplyUnderlay(Underlay? underlay, NodeCacheConfigSpec spec, FlushTiming timing)
    {
        if (underlay is null)
        {
            return;
        }

        if (_appliedUnderlay is { } applied && SameTunnel(applied, underlay))
        {
            _appliedUnderlay = underlay;
            if (applied.Tunnel.IfIndex != underlay.Tunnel.IfIndex)
            {
                // Its rules may have been away as well, and be others now.
                Flush(FlushPlan.Everything(FlushCause.CniRestart, $"device {underlay.Tunnel.Name}", settle: true), spec.Settle, timing);
            }

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
            Flush(FlushPlan.Everything(FlushCause.LinkChanged, $"device {tunnel.Name}", settle: true), spec.Settle, timing);
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
