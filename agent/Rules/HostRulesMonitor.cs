using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Threading.Channels;

using OnCache.Agent.Net;
using OnCache.Agent.Net.Netfilter;

using static OnCache.Agent.Net.Netfilter.NftProtocol;
using static OnCache.Agent.Net.NetlinkNative;

namespace OnCache.Agent.Rules;

/// <summary>
/// Follows the rules of one network namespace: that of the thread that started it. A thread of its own reads the events of nf_tables, and now
/// and then looks at what sends none: legacy iptables and ipsets.
/// </summary>
internal sealed class HostRulesMonitor : IDisposable
{
    /// <summary>How often what sends no events is looked at. In force within five seconds.</summary>
    public static readonly TimeSpan Look = TimeSpan.FromSeconds(4);

    /// <summary>How soon, at most, rules are read again that only first packets meet, where they keep changing: those of a service proxy.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    // kube-proxy writes some megabytes of rules at once.
    private const int ReceiveBuffer = 16 * 1024 * 1024;
    private const int MostMissedRules = 4096;
    private const int MostMissedElements = 1024;
    private const string Unsteady = "it changed during each of several reads";
    private const int StackSize = 512 * 1024;

    // A table that does not stand still is tried again after the one, and after a while of that counts as one that cannot be read, and is
    // tried again after the other, or longer where reading takes long. No table is read more often than the first.
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_unreadAfter = TimeSpan.FromSeconds(1);
    private const int ShareOfUnread = 10;

    // What was read is put to use at once when the queue is empty, else after this long.
    private static readonly TimeSpan s_longestBurst = TimeSpan.FromMilliseconds(10);

    // Events that follow others which concern no flow are read together after this long.
    private static readonly TimeSpan s_gather = TimeSpan.FromMilliseconds(1);

    private readonly NetlinkSocket? _events;
    private readonly HostRulesReader _reader;
    private readonly NetlinkHandle _wake;
    private readonly Thread _thread;
    private readonly Channel<HostRulesChange> _changes = Channel.CreateBounded<HostRulesChange>(new BoundedChannelOptions(1) { SingleWriter = true });
    private readonly HashSet<(byte Family, string Name)> _dirty = [];
    private readonly HashSet<(byte Family, string Name)> _later = [];
    // Elements came or went that nobody's packets found: read again when others might.
    private readonly HashSet<(byte Family, string Name)> _unfound = [];
    private (IntervalSet? Ends, string Places) _audience;
    private readonly List<SetChange> _setChanges = [];
    // Since when a table did not stand still.
    private readonly Dictionary<(byte Family, string Name), long> _unsteady = [];
    private readonly Dictionary<(byte Family, string Name), long> _notBefore = [];
    // Not read yet since it is known whether marks are.
    private readonly HashSet<(byte Family, string Name)> _toBeMarked = [];
    // What was heard before it was known whether the rules of the last state care for it.
    private readonly HashSet<(byte Family, string Table, string Chain)> _missedRules = [];
    private readonly List<((byte Family, string Name) Table, SetChange Change)> _missedElements = [];
    private ImmutableDictionary<string, HostTable> _tables = HostRulesState.None.Tables;
    private volatile HostRulesState _current = HostRulesState.None;
    private volatile HostRulesAttention _attention = HostRulesAttention.None;
    private volatile bool _marksAreRead;
    private volatile bool _devicesChanged;
    private volatile bool _stopping;
    private bool _everything;
    private bool _eventsLost;
    private bool _changed;
    private long _namesNotBefore;
    private long _nextLook;
    private long _nextLater;
    private long _nextLegacyNat;
    // How events of rules begin in a table that no flow meets and that will be read: not looked at further while the queue is read.
    private byte[] _inPassing = [];
    // Nothing but such events was heard last.
    private bool _isQuiet;
    private int _resyncs;

    private HostRulesMonitor(NetlinkSocket? events, HostRulesReader reader, NetlinkHandle wake)
    {
        (_events, _reader, _wake) = (events, reader, wake);
        _thread = new Thread(Run, StackSize) { IsBackground = true, Name = "host rules" };
    }

    /// <summary>The rules as of the last change.</summary>
    public HostRulesState Current => _current;

    /// <summary>Changes after <see cref="Current"/> as it was at the start. Completes when this is disposed, or with what ended it.</summary>
    public ChannelReader<HostRulesChange> Changes => _changes.Reader;

    /// <summary>How often events were lost and everything was read again.</summary>
    public int Resyncs => Volatile.Read(ref _resyncs);

    /// <summary>What to watch. From any thread.</summary>
    public HostRulesAttention Attention
    {
        get => _attention;
        set
        {
            var isOther = _attention.Version != value.Version || _attention.Audience != value.Audience;
            _attention = value;
            if (isOther)
            {
                Wake();
            }
        }
    }

    /// <summary>Whether marks that rules set may be read by a qdisc or filter. From any thread; a state follows that says so.</summary>
    public bool MarksAreRead
    {
        set
        {
            var isOther = _marksAreRead != value;
            _marksAreRead = value;
            if (isOther)
            {
                Wake();
            }
        }
    }

    /// <summary>Says that devices came, went or got other names. From any thread.</summary>
    public void LookAtDevices()
    {
        _devicesChanged = true;
        Wake();
    }

    /// <summary>Reads the rules of the calling thread's network namespace and begins to follow them.</summary>
    /// <param name="deviceName">The name of a device by its number.</param>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static unsafe HostRulesMonitor Start(Func<uint, string> deviceName, int receiveBuffer = ReceiveBuffer)
    {
        NetlinkSocket? events = null;
        HostRulesReader? reader = null;
        NetlinkHandle? wake = null;
        try
        {
            // Events first, lists second: what changes in between is then seen twice rather than never.
            events = OpenEvents(receiveBuffer);
            reader = HostRulesReader.Open(deviceName);
            wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
            if (wake.IsInvalid)
            {
                throw new NetlinkException("create an eventfd", Marshal.GetLastPInvokeError());
            }

            var monitor = new HostRulesMonitor(events, reader, wake) { _everything = true };
            monitor.Refresh();
            monitor.LookAround();
            monitor._changed = false;
            monitor._current = new HostRulesState(monitor._tables) { Version = 1 };
            monitor._thread.Start();
            return monitor;
        }
        catch
        {
            events?.Dispose();
            reader?.Dispose();
            wake?.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_wake.IsClosed)
        {
            return;
        }

        _stopping = true;
        Wake();
        _thread.Join();
        _events?.Dispose();
        _reader.Dispose();
        _wake.Dispose();
    }

    private unsafe void Wake()
    {
        var one = 1UL;
        _ = write(_wake, &one, sizeof(ulong));
    }

    private static NetlinkSocket? OpenEvents(int receiveBuffer)
    {
        NetlinkSocket socket;
        try
        {
            socket = NetlinkSocket.Open(NetlinkProtocol.NETLINK_NETFILTER);
        }
        catch (NetlinkException none) when (none.Errno == EPROTONOSUPPORT)
        {
            return null;
        }

        socket.SetReceiveBuffer(receiveBuffer);
        if (socket.TrySubscribe(NFNLGRP_NFTABLES))
        {
            return socket;
        }

        socket.Dispose();
        return null;
    }

    private void Run()
    {
        try
        {
            while (Wait())
            {
                var woken = Stopwatch.GetTimestamp();
                _isQuiet = false;
                _ = ReadEvents();
                Attend();
                if (_devicesChanged)
                {
                    _devicesChanged = false;
                    _dirty.UnionWith(_reader.TablesOfOtherDevices());
                }

                _isQuiet &= _dirty.Count == 0 && _setChanges.Count == 0 && !_eventsLost;
                Refresh();
                if (Stopwatch.GetTimestamp() >= _nextLook || _reader.MarksAreRead != _marksAreRead)
                {
                    LookAround();
                }

                if (_changed || _setChanges.Count > 0)
                {
                    Publish(woken);
                }
            }

            _changes.Writer.TryComplete();
        }
#pragma warning disable CA1031 // Whatever it was: the agent must not go on with rules that nobody follows.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _changes.Writer.TryComplete(e);
        }
    }

    /// <summary>False when it is time to stop.</summary>
    private unsafe bool Wait()
    {
        if (_isQuiet)
        {
            // Thousands of rules come in hundreds of datagrams: not one by one, where none of the last was worth anything.
            Thread.Sleep(s_gather);
        }

        const int Count = 2;
        var until = _nextLook;
        if (_later.Count > 0)
        {
            until = Math.Min(until, _nextLater);
        }

        foreach (var key in _dirty)
        {
            until = Math.Min(until, _notBefore.GetValueOrDefault(key));
        }

        if (_everything || _eventsLost || _reader.HasUncertainChains)
        {
            until = Math.Min(until, _namesNotBefore);
        }

        var fds = stackalloc PollFd[Count];
        fds[0] = new PollFd { Fd = (int)_wake.DangerousGetHandle(), Events = POLLIN };
        fds[1] = new PollFd { Fd = _events?.Descriptor ?? -1, Events = POLLIN };
        while (poll(fds, Count, Milliseconds(until)) < 0)
        {
            if (Marshal.GetLastPInvokeError() is var errno and not EINTR)
            {
                throw new NetlinkException("wait for events", errno);
            }
        }

        if (fds[0].Revents != 0)
        {
            ulong count;
            _ = read(_wake, &count, sizeof(ulong));
        }

        return !_stopping;
    }

    private static int Milliseconds(long until) =>
        (int)Math.Clamp((until - Stopwatch.GetTimestamp()) * 1000 / Stopwatch.Frequency + 1, 0, 60_000);

    /// <summary>Whether all of them were read.</summary>
    private bool ReadEvents()
    {
        var started = Stopwatch.GetTimestamp();
        _inPassing = [];
        try
        {
            while (_events is not null && _events.TryReceive(out var datagram))
            {
                _isQuiet = true;
                while (NetlinkMessage.TryTake(ref datagram, out var message))
                {
                    Apply(message);
                }

                if (Stopwatch.GetElapsedTime(started) >= s_longestBurst)
                {
                    return false;
                }
            }

            return true;
        }
        catch (NetlinkException e) when (e.Errno == ENOBUFS)
        {
            _eventsLost = true;
            return false;
        }
    }

    private void Apply(in NetlinkMessage message)
    {
        switch (message.Type)
        {
            case NFT_MSG_NEWTABLE when NftMessage.ParseTable(message) is { } table:
                _reader.Add(table);
                Dirty(table.Family, table.Name);
                break;
            case NFT_MSG_DELTABLE when NftMessage.ParseTable(message) is { } table:
                _reader.Remove(table);
                Dirty(table.Family, table.Name);
                break;
            case NFT_MSG_NEWCHAIN when NftMessage.ParseChain(message) is { } chain:
                if (_reader.Add(chain))
                {
                    Dirty(chain.Family, chain.Table);
                }

                break;
            case NFT_MSG_DELCHAIN when NftMessage.ParseChain(message) is { } chain:
                if (_reader.Remove(chain))
                {
                    Dirty(chain.Family, chain.Table);
                }

                break;
            case NFT_MSG_NEWRULE or NFT_MSG_DELRULE when _inPassing.Length > 0 && message.Payload.StartsWith(_inPassing):
                break;
            case NFT_MSG_NEWRULE or NFT_MSG_DELRULE:
                var (family, ofTable, ofChain) = NftMessage.PlaceOfRule(message);
                if (ofTable is not null && NftTables.Concerns(family) && !_dirty.Contains((family, ofTable)))
                {
                    if (_attention.FlowChains.Contains((NftTables.NameOf(family, ofTable), ofChain ?? "")))
                    {
                        Dirty(family, ofTable);
                    }
                    else
                    {
                        _ = _later.Add((family, ofTable));
                        if (!IsAttended && _missedRules.Count < MostMissedRules)
                        {
                            _ = _missedRules.Add((family, ofTable, ofChain ?? ""));
                        }
                        else if (IsAttended && NftTables.NameOf(family, ofTable) is var name && !_attention.FlowChains.Any(chain => string.Equals(chain.Table, name, StringComparison.Ordinal)))
                        {
                            _inPassing = NftMessage.TableOfRule(message).ToArray();
                        }
                    }
                }

                break;
            case NFT_MSG_NEWSET when NftMessage.ParseSet(message) is { } set:
                _reader.Add(set);
                break;
            case NFT_MSG_DELSET when NftMessage.ParseSet(message) is { } set:
                _reader.Remove(set);
                break;
            case NFT_MSG_NEWSETELEM or NFT_MSG_DELSETELEM:
                Elements(message);
                break;
            case NFT_MSG_NEWOBJ or NFT_MSG_DELOBJ or NFT_MSG_NEWFLOWTABLE or NFT_MSG_DELFLOWTABLE:
                // Rules that use them say what for.
                break;
        }
    }

    private void Elements(in NetlinkMessage message)
    {
        var (family, table, set) = NftMessage.PlaceOfElements(message);
        if (table is null || set is null || !NftTables.Concerns(family))
        {
            return;
        }

        var isAttended = IsAttended;
        if (isAttended && !_attention.Sets.Contains((NftTables.NameOf(family, table), set)))
        {
            return;
        }

        var known = _reader.Set(family, table, set);
        var change = new SetChange(NftTables.NameOf(family, table), set, [.. NftMessage.ParseElements(message)], [], IsUnknown: known is null)
        {
            HasEnds = known?.HasEnds == true,
            IsRemoval = message.Type == NFT_MSG_DELSETELEM,
        };
        if (isAttended)
        {
            Attend((family, table), change);
            return;
        }

        _missedElements.Add(((family, table), change));
        if (_missedElements.Count == MostMissedElements)
        {
            var sets = _missedElements.DistinctBy(static missed => (missed.Table, missed.Change.Set)).ToList();
            _missedElements.Clear();
            _missedElements.AddRange(sets.Select(static missed => (missed.Table, missed.Change with { Elements = [], IsUnknown = true })));
        }
    }

    /// <summary>Whether it is known what the rules as they were last published care for.</summary>
    private bool IsAttended => _attention.Version == _current.Version;

    /// <summary>Takes up what was heard while that was not known.</summary>
    private void Attend()
    {
        if (!IsAttended)
        {
            return;
        }

        if (_attention.Audience != _audience)
        {
            _audience = _attention.Audience;
            _dirty.UnionWith(_unfound);
        }

        foreach (var (family, table, chain) in _missedRules)
        {
            if (_missedRules.Count == MostMissedRules || _attention.FlowChains.Contains((NftTables.NameOf(family, table), chain)))
            {
                Dirty(family, table);
            }
        }

        foreach (var (table, change) in _missedElements)
        {
            if (_attention.Sets.Contains((NftTables.NameOf(table.Family, table.Name), change.Set)))
            {
                Attend(table, change);
            }
        }

        _missedRules.Clear();
        _missedElements.Clear();
    }

    private void Attend((byte Family, string Name) table, SetChange change)
    {
        // Of an interval, the other end may be in another event.
        var (isFound, byFlows) = change is { IsUnknown: false, HasEnds: false } ? _attention.Finders(change) : (true, true);
        // What a small set holds, and where a map leads to, is part of the rules.
        if (byFlows && _attention.FlowSets.Contains((NftTables.NameOf(table.Family, table.Name), change.Set)))
        {
            Dirty(table.Family, table.Name);
        }
        else
        {
            _ = (isFound ? _later : _unfound).Add(table);
        }

        if (isFound)
        {
            _setChanges.Add(change);
        }
    }

    private void Dirty(byte family, string table)
    {
        if (NftTables.Concerns(family))
        {
            _ = _dirty.Add((family, table));
        }
    }

    /// <summary>Reads again what events have named.</summary>
    private void Refresh()
    {
        if (_eventsLost)
        {
            Discard();
            _everything = true;
            _eventsLost = false;
            Interlocked.Increment(ref _resyncs);
            // Elements may have come and gone unseen.
            foreach (var (table, set) in _attention.Sets)
            {
                _setChanges.Add(new SetChange(table, set, [], [], IsUnknown: true));
            }
        }

        if ((_everything || _reader.HasUncertainChains) && Stopwatch.GetTimestamp() >= _namesNotBefore)
        {
            ReadNames();
        }

        var now = Stopwatch.GetTimestamp();
        foreach (var key in _dirty.Where(key => _notBefore.GetValueOrDefault(key) <= now).ToList())
        {
            Read(key);
        }

        now = Stopwatch.GetTimestamp();
        if (_later.Count > 0 && now >= _nextLater)
        {
            foreach (var key in _later.ToList())
            {
                Read(key);
            }

            _nextLater = Later(now);
        }
    }

    /// <summary>Reads again what tables there are, or which devices chains hang at.</summary>
    private void ReadNames()
    {
        try
        {
            if (!_everything)
            {
                _reader.ReadChains();
                return;
            }

            _reader.ReadNames();
            var gone = _tables.Keys.Where(static name => !IsLegacy(name)).Except(_reader.Tables.Select(static key => NftTables.NameOf(key.Family, key.Name)), StringComparer.Ordinal);
            _tables = _tables.RemoveRange(gone);
            _later.Clear();
            _unfound.Clear();
            _dirty.UnionWith(_reader.Tables);
            _everything = false;
            _changed = true;
        }
        catch (NetlinkException e) when (e.Errno is EAGAIN or ENOBUFS)
        {
            // It never stood still. At the start nothing is known; later what is known is soon put right.
            _namesNotBefore = Stopwatch.GetTimestamp() + Ticks(s_retry);
            if (_current.Version == 0)
            {
                var unknown = NftTables.Unknown(Unsteady);
                _tables = _tables.SetItem(unknown.Name, unknown);
            }
        }
    }

    private void Read((byte Family, string Name) key)
    {
        var name = NftTables.NameOf(key.Family, key.Name);
        var started = Stopwatch.GetTimestamp();
        _ = _dirty.Remove(key);
        _ = _later.Remove(key);
        _ = _unfound.Remove(key);
        var table = _reader.Read(key, out var steady);
        var took = Stopwatch.GetTimestamp() - started;
        _notBefore[key] = started + Math.Min(Ticks(s_retry), took * ShareOfUnread);
        // Where no event tells of this table, it was another one that changed, and did not disturb.
        if (!steady && (!ReadEvents() || _eventsLost || _dirty.Contains(key) || _later.Contains(key) || _unfound.Contains(key)))
        {
            _ = _dirty.Add(key);
            _unsteady.TryAdd(key, started);
            var isLong = started - _unsteady[key] >= Ticks(s_unreadAfter);
            _notBefore[key] = started + took + (isLong ? Math.Max(Ticks(s_unreadAfter), took * ShareOfUnread) : Ticks(s_retry));
            if (_tables.ContainsKey(name) && !isLong)
            {
                return;
            }

            table = _reader.Unread(key, Unsteady);
        }
        else
        {
            _ = _unsteady.Remove(key);
        }

        _changed |= _toBeMarked.Remove(key) && _toBeMarked.Count == 0;
        if (table is null)
        {
            _changed |= _tables.ContainsKey(name);
            _tables = _tables.Remove(name);
            _ = _unsteady.Remove(key);
            _ = _notBefore.Remove(key);
            _ = _dirty.Remove(key);
        }
        else if (_tables.GetValueOrDefault(name) is not { } before || before.Fingerprint != table.Fingerprint || before.Unreadable != table.Unreadable)
        {
            _tables = _tables.SetItem(name, table);
            _changed = true;
        }
    }

    /// <summary>Looks at what sends no events.</summary>
    private void LookAround()
    {
        _nextLook = Stopwatch.GetTimestamp() + Ticks(Look);
        if (_reader.MarksAreRead != _marksAreRead)
        {
            _reader.MarksAreRead = _marksAreRead;
            _reader.Forget();
            _dirty.UnionWith(_reader.Tables);
            _toBeMarked.UnionWith(_reader.Tables);
            _changed |= _toBeMarked.Count == 0;
            Refresh();
        }

        var started = Stopwatch.GetTimestamp();
        var (legacy, others) = _reader.ReadLegacy(name => IsNat(name) && started < _nextLegacyNat);
        if (others.Any(IsNat))
        {
            _nextLegacyNat = Later(started);
        }

        if (others.Count > 0)
        {
            _tables = _tables
                .RemoveRange(_tables.Where(static pair => IsLegacy(pair.Key)).Select(static pair => pair.Key))
                .SetItems(legacy.Select(static table => KeyValuePair.Create(table.Name, table)));
            _changed = true;
        }

        _setChanges.AddRange(_reader.ReadIpSets(_attention.IpSets).Where(change => change.IsUnknown || !IsAttended || _attention.Finders(change).Any));
    }

    /// <summary>When to read again what keeps changing and only first packets meet: where that takes long, as rarely as to cost little.</summary>
    /// <param name="started">When reading it began, that has just ended.</param>
    private static long Later(long started)
    {
        // What follows from it takes longer than the reading itself.
        const int Share = 200;
        return started + Math.Max(Ticks(Pause), (Stopwatch.GetTimestamp() - started) * Share);
    }

    private static bool IsNat(string legacy) => string.Equals(legacy, "nat", StringComparison.Ordinal);

    private static bool IsLegacy(string table) => table.StartsWith("legacy ", StringComparison.Ordinal);

    private static long Ticks(TimeSpan span) => (long)(span.TotalSeconds * Stopwatch.Frequency);

    private void Discard()
    {
        while (true)
        {
            try
            {
                if (_events is null || !_events.TryReceive(out _))
                {
                    return;
                }
            }
            catch (NetlinkException e) when (e.Errno == ENOBUFS)
            {
                // Already known.
            }
        }
    }

    private void Publish(long woken)
    {
        var state = new HostRulesState(_tables) { Version = _current.Version + 1, MarksAreRead = _reader.MarksAreRead && _toBeMarked.Count == 0 };
        var change = new HostRulesChange(_current = state, SetChange.Bounded([.. _setChanges])) { ReceivedAt = woken };
        _setChanges.Clear();
        _changed = false;
        _changes.Writer.TryWrite(_changes.Reader.TryRead(out var unread) ? unread.Then(change) : change);
    }
}
