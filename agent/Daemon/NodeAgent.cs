using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using OnCache.Agent.Bpf;
using OnCache.Agent.Cli;
using OnCache.Agent.Coherence;
using OnCache.Agent.Configuration;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Rules;
using OnCache.Agent.Telemetry;
using OnCache.Agent.Topology;
using OnCache.Kubernetes.Cli;
using OnCache.Kubernetes.Resilience;

namespace OnCache.Agent.Daemon;

/// <summary>
/// The event loop: network, configuration, requests and time come in through one queue, and one turn brings the kernel
/// to what they ask. The heartbeat is renewed by the loop itself, so a loop that hangs hands all traffic to the CNI. Flushes
/// that events of the cluster ask for do not wait for a turn: <see cref="Carry"/> may be called from any thread.
/// </summary>
internal sealed partial class NodeAgent : IFlushTarget, IFlushExecutor
{
    private static readonly TimeSpan s_housekeeping = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan s_askAgain = TimeSpan.FromSeconds(1);

    // A turn asks, too, and what was asked in the last period is asked in the next.
    private static readonly TimeSpan s_probeAgain = s_askAgain * 0.8;
    private const int StackSize = 1024 * 1024;
    private static readonly Backoff s_prepareAgain = new(TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(10));

    private readonly LoadedDatapath _datapath;
    private readonly DatapathController _controller;
    private readonly NeighbourAsker _neighbours;
    private readonly ConntrackSysctl _conntrack;
    private readonly HostRulesMonitor _hostRules;
    private readonly ForeignPrograms _foreign;
    private readonly AgentSettings _settings;
    private readonly Func<DatapathSizes, LoadedDatapath> _prepare;
    private readonly Func<UnderlayOptions> _readUnderlayOptions;
    private UnderlayOptions _underlayOptions;
    private readonly TimeProvider _time;
    private readonly CoherenceMetrics _metrics;
    private readonly CacheShares _shares;
    private readonly ILogger _logger;
    private readonly RequestQueue _requests = new();
    private readonly QuietHeap _heap = new();
    private readonly Dictionary<NeighbourProbe, long> _probed = [];

    private NetworkSnapshot _snapshot;
    private volatile AgentConfiguration _configuration;
    private AgentConfiguration? _applied;
    private NetworkSnapshot _plannedSnapshot;
    private HostRulesState _rules;
    private HostRulesView _rulesView = HostRulesView.Empty;
    private ImmutableArray<SetChange> _setChanges = [];
    private HostRulesReport _hostRulesReport = HostRulesReport.None;
    private NodePlan? _plan;
    private long? _changedSince;
    private string? _tcpRefusal;
    private bool _picksUpTcp;
    private Task _sweeping = Task.CompletedTask;
    private Task _looking = Task.CompletedTask;
    private Task _preparing = Task.CompletedTask;
    private LoadedDatapath? _replacement;
    private SizesRefusal? _refused;
    private long _refusedAt;
    private string? _observedUid;
    private long _observedGeneration;
    private volatile AgentState? _state;
    private volatile int _flows;
    private volatile ConntrackStatus? _conntrackStatus;
    private long _lastTurn;

    public NodeAgent(
        LoadedDatapath datapath,
        IProgramAttacher attacher,
        NetworkSnapshot snapshot,
        NeighbourAsker neighbours,
        ConntrackSysctl conntrack,
        HostRulesMonitor hostRules,
        AgentConfiguration configuration,
        AgentSettings settings,
        Func<UnderlayOptions> underlayOptions,
        CoherenceMetrics metrics,
        Func<DatapathSizes, LoadedDatapath> prepare,
        SizesRefusal? refused,
        TimeProvider time,
        ILogger logger)
    {
        _datapath = datapath;
        _controller = new DatapathController(datapath, attacher, settings, Flushed);
        _foreign = new ForeignPrograms(_controller.ForeignPrograms);
        _snapshot = _plannedSnapshot = snapshot;
        _metrics = metrics;
        _neighbours = neighbours;
        _conntrack = conntrack;
        _hostRules = hostRules;
        _rules = hostRules.Current;
        _configuration = configuration;
        _settings = settings;
        _readUnderlayOptions = underlayOptions;
        _underlayOptions = underlayOptions();
        _prepare = prepare;
        _refused = refused;
        _refusedAt = time.GetTimestamp();
        _time = time;
        _shares = new CacheShares(time);
        _logger = logger;
    }

    /// <summary>Another state was published. Raised by the loop, which must not be held up.</summary>
    public event EventHandler? Published;

    /// <summary>The last published state; null until <see cref="Start"/> has returned.</summary>
    public AgentState? State => _state;

    /// <summary>Flows in the filter cache, as the last sweep counted them.</summary>
    public int Flows => _flows;

    /// <summary>How full connection tracking was at the last look; null where that cannot be told.</summary>
    public ConntrackStatus? ConntrackStatus => _conntrackStatus;

    /// <summary>When the loop last turned.</summary>
    public TimeSpan SinceLastTurn => _time.GetElapsedTime(Volatile.Read(ref _lastTurn));

    private DatapathSizes Asked => DatapathSizes.Of(_configuration.Node.Spec.CacheSizes);

    /// <summary>The first turn: everything in place, what an earlier agent cached void, its left-overs gone.</summary>
    public void Start()
    {
        ClaimConntrack();
        LookAtConntrack();
        Turn();
        Beat();
        _controller.DetachLeftOvers();
    }

    /// <summary>
    /// Turns until cancelled, or until another datapath is ready, with caches of the sizes that the configuration asks for. Until then, and where there can
    /// be none, all else that the configuration says is in force under this one.
    /// </summary>
    /// <param name="beside">What must not end before this does.</param>
    /// <returns>The other datapath; null when cancelled.</returns>
    public async Task<LoadedDatapath?> RunAsync(
        ChannelReader<NetworkChange> network, IAsyncEnumerable<AgentConfiguration> configurations, Task beside, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var woken = stop.Token.UnsafeRegister(static queue => ((RequestQueue)queue!).Wake(), _requests);
        Task[] feeders =
        [
            FeedNetworkAsync(network, stop.Token),
            FeedHostRulesAsync(stop.Token),
            FeedConfigurationAsync(configurations, stop.Token),
            beside.WaitAsync(stop.Token),
        ];
        try
        {
            await OnItsThread(() => Loop(feeders, stop.Token));
        }
        finally
        {
            _requests.Complete();
            while (_requests.TryTake(out var left))
            {
                // Somebody may wait for its outcome.
                left();
            }

            await stop.CancelAsync();
            await Task.WhenAll(feeders).ContinueWith(static _ => { }, TaskScheduler.Default);
            await Task.WhenAll(_sweeping, _looking, _preparing);
            if (cancellationToken.IsCancellationRequested)
            {
                _replacement?.Dispose();
                _replacement = null;
            }
        }

        return _replacement;
    }

    private void Loop(Task[] feeders, CancellationToken cancellationToken)
    {
        Routine[] routines =
        [
            // A turn without news: the loop lives.
            new(_settings.HeartbeatTimeout / 5, static () => false, _time),
            new(s_askAgain, AskForMissing, _time),
            new(HostRulesMonitor.Look, LookAround, _time),
            new(s_housekeeping, KeepHouse, _time),
        ];
        while (_replacement is null)
        {
            _requests.Wait(routines.Min(static routine => routine.Left));
            cancellationToken.ThrowIfCancellationRequested();
            var changed = false;
            foreach (var routine in routines)
            {
                changed |= routine.RunIfDue();
            }

            // What is queued together is applied together.
            while (_requests.TryTake(out var request))
            {
                changed |= request();
            }

            if (changed)
            {
                Turn();
            }

            Beat();
            Prepare();
            if (feeders.FirstOrDefault(static feeder => feeder.IsFaulted) is { } broken)
            {
                broken.GetAwaiter().GetResult();
            }
        }
    }

    /// <summary>Runs what waits by blocking, and must not hold a thread of the pool.</summary>
    private static Task OnItsThread(Action work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(Run, StackSize) { IsBackground = true, Name = "loop" };
        thread.Start();
        return done.Task;

        void Run()
        {
            try
            {
                work();
                done.SetResult();
            }
            catch (Exception failure)
            {
                done.SetException(failure);
            }
        }
    }

    /// <inheritdoc/>
    public FlushOutcome Flush(FlushRequest request)
    {
        var done = new TaskCompletionSource<FlushOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        var accepted = _requests.TryAdd(() =>
        {
            done.SetResult(FlushNow(request));
            Publish();
            // What was proven of an endpoint went with its verdicts.
            return true;
        });
        // A loop that has ended leaves nothing cached behind: its successor voids all at its start.
        return accepted ? done.Task.GetAwaiter().GetResult() : new FlushOutcome(_plan!.Endpoints.Count, 0);
    }

    /// <inheritdoc/>
    public void Carry(FlushPlan plan, FlushTiming timing)
    {
        _controller.Flush(plan, _configuration.Node.Spec.Settle, timing);
        _ = Post(() =>
        {
            Publish();
            // What was proven of an endpoint went with its verdicts.
            return plan.Settle;
        });
    }

    /// <summary>Frees the memory of void verdicts and counts the others. From any thread; takes up to 0.3 s per million.</summary>
    /// <returns>How many are not void.</returns>
    public int Sweep()
    {
        var started = _time.GetTimestamp();
        var sweep = _datapath.SweepFilterCache();
        _metrics.Swept(sweep, _time.GetElapsedTime(started));
        if (_shares.Observe(_controller.Endpoints.Shares()))
        {
            _ = Post(() =>
            {
                Publish();
                return false;
            });
        }

        return _flows = (int)sweep.Live;
    }

    private FlushOutcome FlushNow(FlushRequest request)
    {
        IReadOnlyList<FlushTarget>? endpoints = null;
        if (request.Endpoint is { } wanted)
        {
            endpoints = [.. _plan!.Endpoints.Where(endpoint => endpoint.Spec is not null && IsNamed(endpoint, wanted)).Select(static endpoint => new FlushTarget(endpoint.Pod.Uid, endpoint.Address))];
            if (endpoints.Count == 0)
            {
                return new FlushOutcome(0, 0);
            }
        }

        var record = _controller.Flush(
            new FlushPlan(FlushCause.Request, request.Endpoint ?? "all", endpoints, Settle: true),
            _configuration.Node.Spec.Settle,
            new FlushTiming(Stopwatch.GetTimestamp()));
        return new FlushOutcome(record.Endpoints, record.Duration.TotalMicroseconds);
    }

    private static bool IsNamed(PlannedEndpoint endpoint, string wanted) =>
        IPAddress.TryParse(wanted, out var address)
            ? endpoint.Pod.Ip.Equals(address)
            : string.Equals($"{endpoint.Pod.Namespace}/{endpoint.Pod.Name}", wanted, StringComparison.Ordinal);

    /// <summary>Plans anew and brings the kernel there.</summary>
    private void Turn()
    {
        var before = _plan;
        var timing = new FlushTiming(_changedSince ?? Stopwatch.GetTimestamp());
        _changedSince = null;
        // A connection that conntrack has not seen begin must be able to return to the CNI, or none may be opened like that.
        var configuration = _picksUpTcp ? _configuration : _configuration with { Local = _configuration.Local with { NetworkPolicies = null } };
        var plan = NodePlanner.Plan(_snapshot, configuration, _underlayOptions, before);
        (_rulesView, var rulesChanged) = _rulesView.Next(_rules, _setChanges, RulePlanner.RolesOf(plan, _snapshot), RulePlanner.OuterOf(plan));
        _setChanges = [];
        if (!RulePlanner.HaveSameNames(_plannedSnapshot, _snapshot))
        {
            _hostRules.LookAtDevices();
        }

        _hostRules.Attention = _rulesView.AttentionOf(RulePlanner.EndsOf(plan, _snapshot));
        // Devices that are new to the plan are asked before they are put to use.
        var foreign = _foreign.Of(plan, _snapshot);
        var marksAreRead = RulePlanner.MarksAreRead(plan, _snapshot, _rules, _foreign.MayReadMarks);
        _hostRules.MarksAreRead = marksAreRead;
        _plan = RulePlanner.WithRules(
            plan, _snapshot, _rulesView.Regions, foreign, _controller.IsBeforeOurs, marksAreRead && !_rules.MarksAreRead, before?.Regions);
        if (!ReferenceEquals(_plan.Regions, before?.Regions))
        {
            _hostRulesReport = RulePlanner.StatusOf(_plan.Regions);
        }

        var protocols = _tcpRefusal is null ? ProtocolBits.All : ProtocolBits.All & ~ProtocolBits.Tcp;
        FlushPlan[] flushes = [.. new[] { RoutesChanged(before), IpsecChanged(before), RulesChanged(before, rulesChanged) }.OfType<FlushPlan>()];
        _controller.Apply(_plan, before, flushes, configuration.Node.Spec, protocols, _conntrack.Timeouts(), timing);
        (_applied, _plannedSnapshot) = (_configuration, _snapshot);
        foreach (var probe in _plan.Missing)
        {
            Probe(probe);
        }

        Report(before);
        Publish();
    }

    /// <summary>What the change of routes since the last plan makes void: a destination may be behind another node now.</summary>
    private FlushPlan? RoutesChanged(NodePlan? before)
    {
        if (before?.Underlay.Value is not { } underlay)
        {
            return null;
        }

        if (!_plannedSnapshot.Rules.SequenceEqual(_snapshot.Rules))
        {
            return FlushPlan.Everything(FlushCause.RouteChanged, "routing rules", settle: true);
        }

        var nodes = TunnelRoutes.NodesLosing(_plannedSnapshot, _snapshot, underlay.Tunnel.IfIndex);
        return nodes.Count == 0
            ? null
            : new FlushPlan(FlushCause.RouteChanged, $"routes to {string.Join(", ", nodes.Take(3))}", [], Settle: true) { Nodes = [.. nodes] };
    }

    /// <summary>What a change of IPsec policies makes void: packets that went in plain text may not any more.</summary>
    private FlushPlan? IpsecChanged(NodePlan? before)
    {
        if (before?.Underlay.Value is not { } underlay || _plannedSnapshot.XfrmPolicies.SequenceEqual(_snapshot.XfrmPolicies))
        {
            return null;
        }

        var here = IntervalSet.Of(before.Endpoints.Select(static endpoint => endpoint.Address).Append(underlay.LocalAddress)
            .Concat(before.RemoteNodes.Select(static node => node.Address))
            .Select(static address => new Interval(address.Value, address.Value))).Union(RulePlanner.PeersOf(_plannedSnapshot, underlay));
        return IpsecMatcher.HasMoved(_plannedSnapshot.XfrmPolicies, _snapshot.XfrmPolicies, network => here.Overlaps(RulePlanner.RangeOf(network)))
            ? FlushPlan.Everything(FlushCause.IpsecChanged, "IPsec policies", settle: true)
            : null;
    }

    /// <summary>What rules that came, changed or went make void: the flows of pods that can meet them.</summary>
    private FlushPlan? RulesChanged(NodePlan? before, ImmutableArray<RuleEncounter> changed)
    {
        if (before is null || RulePlanner.Concerned(_plan!, _snapshot, changed) is not var (pods, first))
        {
            return null;
        }

        return new FlushPlan(
            FlushCause.HostRulesChanged, $"{first.Where}: {first.Rule}", [.. pods.Select(static pod => new FlushTarget(pod.Uid, pod.Address))], Settle: true);
    }

    /// <summary>After all that was queued is in force, and only then, the programs may go on.</summary>
    private void Beat()
    {
        var before = _controller.LastFlush;
        _controller.RenewHeartbeat(_configuration.Node.Spec.Settle);
        if (_controller.LastFlush != before)
        {
            Publish();
            _ = Post(static () => true);
        }

        Volatile.Write(ref _lastTurn, _time.GetTimestamp());
    }

    private void Publish()
    {
        // Another one may have come by now, and wait for its turn.
        var asked = DatapathSizes.Of(_applied!.Node.Spec.CacheSizes);
        if (_observedUid != _applied.Uid)
        {
            (_observedUid, _observedGeneration) = (_applied.Uid, 0);
        }

        if (asked == _datapath.Maps.Sizes || asked == _refused?.Asked)
        {
            _observedGeneration = _applied.Generation;
        }

        _state = new AgentState(
            _applied,
            _observedGeneration,
            _plan!,
            _controller.Endpoints.Specs.Keys.ToDictionary(address => address, address => _controller.Endpoints.SlotOf(address)!.Value),
            _controller.WithoutRoom,
            _controller.AttachFailures,
            _controller.Endpoints.Retired,
            _controller.LastFlush,
            HostRules: _hostRulesReport,
            NicFailures(),
            SizesRefused: _refused,
            BeyondShare: _shares.Beyond,
            Warnings());
        Published?.Invoke(this, EventArgs.Empty);
    }

    /// <summary>A neighbour that did not answer the first time gets another chance.</summary>
    private bool AskForMissing()
    {
        foreach (var probe in _plan!.Missing)
        {
            Probe(probe);
        }

        return false;
    }

    /// <summary>
    /// Looks at what the kernel announces to nobody: its defaults for tunnels, programs beside ours, and ours that somebody took off. Each hook is asked under the kernel's
    /// RTNL lock, so beside the loop, to which the answers come back.
    /// </summary>
    private bool LookAround()
    {
        var before = _underlayOptions;
        try
        {
            _underlayOptions = _readUnderlayOptions();
        }
        catch (Exception unread) when (unread is IOException or UnauthorizedAccessException)
        {
            // Short of file descriptors, perhaps: as they were, until the next look.
        }

        if (_looking.IsCompleted)
        {
            var (places, hooks) = (_controller.Attached(_snapshot), _foreign.Hooks);
            _looking = Beside(() =>
            {
                var (missing, found) = (_controller.Missing(places), _foreign.Ask(hooks));
                _ = Post(() => _controller.Restore(missing, _snapshot) | _foreign.Take(found));
            });
        }

        return _underlayOptions != before;
    }

    /// <summary>
    /// Where the configuration asks for caches of other sizes, which only another datapath can have: makes one, beside the loop. One that cannot be
    /// had is tried again when other sizes are asked for, or after a while.
    /// </summary>
    private void Prepare()
    {
        var asked = Asked;
        if (asked == _datapath.Maps.Sizes)
        {
            if (_refused is not null)
            {
                _refused = null;
                Publish();
            }

            return;
        }

        if (!_preparing.IsCompleted || _replacement is not null
            || (_refused is { } former && former.Asked == asked && _time.GetElapsedTime(_refusedAt) < s_prepareAgain.Delay(former.Attempts, 1)))
        {
            return;
        }

        _preparing = Beside(() =>
        {
            LoadedDatapath made;
            try
            {
                made = _prepare(asked);
            }
            catch (Exception failure) when (SizesRefusal.IsOne(failure))
            {
                _ = Post(() => Refuse(asked, failure));
                return;
            }

            if (!Post(() => Take(made)))
            {
                made.Dispose();
            }
        });
    }

    private bool Refuse(DatapathSizes asked, Exception failure)
    {
        var former = _refused;
        _refused = SizesRefusal.Of(asked, _datapath.Maps.Sizes, failure, former);
        _refusedAt = _time.GetTimestamp();
        if (_refused != former)
        {
            LogRefused(_refused.Message);
        }

        Publish();
        return false;
    }

    private bool Take(LoadedDatapath made)
    {
        if (made.Maps.Sizes == Asked)
        {
            _replacement = made;
        }
        else
        {
            // They ask for others by now.
            made.Dispose();
        }

        return false;
    }

    /// <summary>What the loop must not wait for. Its failure is the loop's.</summary>
    private Task Beside(Action work) => Task.Run(() =>
    {
        try
        {
            work();
        }
        catch (Exception e)
        {
            var failure = ExceptionDispatchInfo.Capture(e);
            _ = Post(() =>
            {
                failure.Throw();
                return false;
            });
        }
    });

    /// <summary>Keeps used neighbours confirmed, settings in force and memory free.</summary>
    private bool KeepHouse()
    {
        _heap.Look();
        foreach (var probe in _plan!.InUse.Where(probe => !IsFixed(_snapshot.Neighbour(probe.IfIndex, probe.Address))))
        {
            _neighbours.Ask(probe);
        }

        if (_sweeping.IsCompleted)
        {
            _sweeping = Task.Run(() => Sweep());
        }

        if (LookAtConntrack())
        {
            Publish();
        }

        var (refusal, picksUp) = (_tcpRefusal, _picksUpTcp);
        ClaimConntrack();
        return !string.Equals(refusal, _tcpRefusal, StringComparison.Ordinal) || picksUp != _picksUpTcp;
    }

    /// <summary>Whether what its fill means for new connections has changed.</summary>
    private bool LookAtConntrack()
    {
        var before = _conntrackStatus?.Pressure;
        _conntrackStatus = _conntrack.Use is { } use ? Telemetry.ConntrackStatus.Of(use.Entries, use.Maximum, before) : null;
        return _conntrackStatus?.Pressure != before;
    }

    /// <summary>
    /// A TCP flow that returns to the CNI in mid-stream is outside the window that conntrack saw; without the liberal
    /// setting it would be dropped as INVALID. Where it cannot be set, TCP is not accelerated.
    /// </summary>
    private void ClaimConntrack()
    {
        _picksUpTcp = _conntrack.PicksUpTcp;
        var present = _conntrack.TcpBeLiberal;
        if (present == 1)
        {
            _tcpRefusal = null;
            return;
        }

        if (present is not { } found)
        {
            _tcpRefusal = "TCP stays on the CNI's path: net.netfilter.nf_conntrack_tcp_be_liberal cannot be read; load nf_conntrack";
            return;
        }

        // Noted before it is set: an agent that dies between the two must not leave it to nobody.
        ref var saved = ref _datapath.Maps.Config[0].SavedTcpBeLiberal;
        var before = saved;
        saved = before == 0 ? found + 1 : before;
        _tcpRefusal = null;
        if (_conntrack.TrySetTcpBeLiberal(1) is { } failure)
        {
            saved = before;
            _tcpRefusal = $"TCP stays on the CNI's path: {failure}";
        }
    }

    // To ask for it would make the kernel forget that somebody has fixed it (NTF_USE takes NUD_PERMANENT away, since Linux 5.16).
    private static bool IsFixed(Neighbour? neighbour) => (neighbour?.State & (NeighbourState.Permanent | NeighbourState.NoArp)) is not (null or NeighbourState.None);

    private void Probe(NeighbourProbe probe)
    {
        var known = _snapshot.Neighbour(probe.IfIndex, probe.Address);
        if (IsFixed(known))
        {
            return;
        }

        if (_probed.TryGetValue(probe, out var last) && _time.GetElapsedTime(last) < s_probeAgain)
        {
            return;
        }

        if (_probed.Count > 4 * (_plan!.Missing.Count + 256))
        {
            _probed.Clear();
        }

        _probed[probe] = _time.GetTimestamp();
        // Known, and yet something is missing: the bridge has forgotten the port. The kernel would only ask once the
        // entry has aged, and the pod may be idle for hours.
        var isKnown = known is { Mac: not null } && (known.State & (NeighbourState.Reachable | NeighbourState.Stale | NeighbourState.Delay)) != NeighbourState.None;
        _neighbours.Ask(probe, isKnown ? known : null);
    }

    private List<string> Warnings()
    {
        var warnings = new List<string>();
        if (_tcpRefusal is not null)
        {
            warnings.Add(_tcpRefusal);
        }

        if (_conntrackStatus is { Pressure: not ConntrackPressure.None } pressed)
        {
            warnings.Add(pressed.Message);
        }

        if (MarkBits.KnownUser(_settings.MarkBit) is { } user)
        {
            warnings.Add($"--mark-bit {_settings.MarkBit} is also used by {user}; choose another where it runs on this node");
        }

        if (_controller.WithoutRoom.Count > 0)
        {
            warnings.Add($"no room in the caches for {string.Join(", ", _controller.WithoutRoom.Take(3))}{(_controller.WithoutRoom.Count > 3 ? ", ..." : "")}; raise spec.cacheSizes");
        }

        if (_plan!.Endpoints.Where(endpoint => _shares.Beyond.Contains(endpoint.Address)).ToList() is [var greedy, ..] all)
        {
            warnings.Add(
                $"{greedy.Pod.Namespace}/{greedy.Pod.Name}{(all.Count > 1 ? $" and {all.Count - 1} other pods want" : " wants")} more of the filter cache than a pod's share; new flows stay with the CNI; raise spec.cacheSizes.filter");
        }

        foreach (var nic in _plan!.Nics)
        {
            if (_snapshot.Filters.GetValueOrDefault(nic, []).FirstOrDefault(filter => filter.BpfName?.StartsWith(ProgramNames.Prefix, StringComparison.Ordinal) != true) is { } filter)
            {
                warnings.Add($"{_snapshot.NameOf(nic)} has a {filter.Kind} filter of priority {filter.Priority}; it does not see packets that took the fast path");
            }
        }

        return warnings;
    }

    private List<string> NicFailures() =>
    [
        .. _plan!.Nics.Where(_controller.AttachFailures.ContainsKey)
            .Select(nic => $"{_snapshot.NameOf(nic)}: {_controller.AttachFailures[nic]}; tried again with the next change"),
    ];

    private void Report(NodePlan? before)
    {
        if (_plan!.Underlay.Refusal is { } refusal && refusal.Message != before?.Underlay.Refusal?.Message)
        {
            LogNoUnderlay(refusal.Message);
        }

        var accelerated = _plan.Endpoints.Count(endpoint => endpoint.Spec is not null);
        if (before is null || accelerated != before.Endpoints.Count(endpoint => endpoint.Spec is not null) || _plan.NodeSpecs.Count != before.NodeSpecs.Count)
        {
            LogCovered(accelerated, _plan.Endpoints.Count, _plan.NodeSpecs.Count, _plan.RemoteNodes.Length);
        }
    }

    private async Task FeedNetworkAsync(ChannelReader<NetworkChange> network, CancellationToken cancellationToken)
    {
        await foreach (var change in network.ReadAllAsync(cancellationToken))
        {
            _ = Post(() =>
            {
                _snapshot = change.Snapshot;
                Changed(change.ReceivedAt);
                return true;
            });
        }
    }

    private async Task FeedHostRulesAsync(CancellationToken cancellationToken)
    {
        await foreach (var change in _hostRules.Changes.ReadAllAsync(cancellationToken))
        {
            _ = Post(() =>
            {
                _rules = change.State;
                _setChanges = SetChange.Bounded([.. _setChanges, .. change.Sets]);
                Changed(change.ReceivedAt);
                return true;
            });
        }
    }

    private async Task FeedConfigurationAsync(IAsyncEnumerable<AgentConfiguration> configurations, CancellationToken cancellationToken)
    {
        await foreach (var configuration in configurations.WithCancellation(cancellationToken))
        {
            var receivedAt = Stopwatch.GetTimestamp();
            _ = Post(() =>
            {
                _configuration = configuration;
                Changed(receivedAt);
                return true;
            });
        }
    }

    private void Changed(long receivedAt) => _changedSince = Math.Min(_changedSince ?? long.MaxValue, receivedAt);

    private void Flushed(FlushRecord record, DateTimeOffset? changedAt)
    {
        _metrics.Flushed(record, changedAt);

        // Where there was nothing to flush, there is nothing to tell.
        var level = record is { Endpoints: 0, Nodes: 0 } ? LogLevel.Debug : LogLevel.Information;
        LogFlushed(level, record.Cause, record.Subject, record.Endpoints, record.Nodes, record.Duration.TotalMicroseconds);
    }

    /// <returns>False where the loop has ended.</returns>
    private bool Post(Func<bool> request) => _requests.TryAdd(request);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Ready} of {Endpoints} pods and {Reachable} of {Nodes} remote nodes ready for the fast path")]
    private partial void LogCovered(int ready, int endpoints, int reachable, int nodes);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Refusal}")]
    private partial void LogRefused(string refusal);

    [LoggerMessage(Level = LogLevel.Warning, Message = "nothing is accelerated: {Reason}")]
    private partial void LogNoUnderlay(string reason);

    [LoggerMessage(Message = "{Cause}: {Subject}; {Endpoints} endpoints and {Nodes} nodes flushed in {Microseconds:F0} us")]
    private partial void LogFlushed(LogLevel level, FlushCause cause, string subject, int endpoints, int nodes, double microseconds);
}
