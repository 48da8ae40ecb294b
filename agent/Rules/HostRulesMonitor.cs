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
    private const int RetryMilliseconds = 50;
    private const int StackSize = 512 * 1024;

    // What was read is put to use at once when the queue is empty, else after this long.
    private static readonly TimeSpan s_longestBurst = TimeSpan.FromMilliseconds(10);

    private readonly NetlinkSocket? _events;
    private readonly HostRulesReader _reader;
    private readonly NetlinkHandle _stop;
    private readonly Thread _thread;
    private readonly Channel<HostRulesChange> _changes = Channel.CreateBounded<HostRulesChange>(new BoundedChannelOptions(1) { SingleWriter = true });
    private readonly HashSet<(byte Family, string Name)> _dirty = [];
    private readonly HashSet<(byte Family, string Name)> _later = [];
    private readonly List<SetChange> _setChanges = [];
    private ImmutableDictionary<string, HostTable> _tables = HostRulesState.None.Tables;
    private volatile HostRulesState _current = HostRulesState.None;
    private volatile HostRulesAttention _attention = HostRulesAttention.None;
    private volatile bool _marksAreRead;
    private bool _everything;
    private bool _eventsLost;
    private long _nextLook;
    private long _nextLater;
    private int _resyncs;

    private HostRulesMonitor(NetlinkSocket? events, HostRulesReader reader, NetlinkHandle stop)
    {
        (_events, _reader, _stop) = (events, reader, stop);
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
        set => _attention = value;
    }

    /// <summary>Whether marks that rules set may be read by a qdisc or filter. From any thread; heard with the next look.</summary>
    public bool MarksAreRead
    {
        set => _marksAreRead = value;
    }

    /// <summary>Reads the rules of the calling thread's network namespace and begins to follow them.</summary>
    /// <param name="deviceName">The name of a device by its number.</param>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static unsafe HostRulesMonitor Start(Func<uint, string> deviceName, int receiveBuffer = ReceiveBuffer)
    {
        NetlinkSocket? events = null;
        HostRulesReader? reader = null;
        NetlinkHandle? stop = null;
        try
        {
            // Events first, lists second: what changes in between is then seen twice rather than never.
            events = OpenEvents(receiveBuffer);
            reader = HostRulesReader.Open(deviceName);
            stop = eventfd(0, EFD_CLOEXEC);
            if (stop.IsInvalid)
            {
                throw new NetlinkException("create an eventfd", Marshal.GetLastPInvokeError());
            }

            var monitor = new HostRulesMonitor(events, reader, stop) { _everything = true };
            monitor.Refresh();
            monitor.LookAround();
            monitor._current = new HostRulesState(monitor._tables);
            monitor._thread.Start();
            return monitor;
        }
        catch
        {
            events?.Dispose();
            reader?.Dispose();
            stop?.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public unsafe void Dispose()
    {
        if (_stop.IsClosed)
        {
            return;
        }

        var one = 1UL;
        _ = write(_stop, &one, sizeof(ulong));
        _thread.Join();
        _events?.Dispose();
        _reader.Dispose();
        _stop.Dispose();
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
                ReadEvents();
                try
                {
                    var changed = Refresh();
                    if (Stopwatch.GetTimestamp() >= _nextLook)
                    {
                        changed |= LookAround();
                    }

                    if (changed || _setChanges.Count > 0)
                    {
                        Publish(woken);
                    }
                }
                catch (NetlinkException e) when (e.Errno is EAGAIN or ENOBUFS)
                {
                    // A list that never stood still: tried again at once.
                }
            }

            _changes.Writer.TryComplete();
        }
        catch (Exception e) when (e is NetlinkException or IOException)
        {
            _changes.Writer.TryComplete(e);
        }
    }

    /// <summary>False when it is time to stop.</summary>
    private unsafe bool Wait()
    {
        const int Count = 2;
        var due = _dirty.Count > 0 || _everything || _eventsLost ? RetryMilliseconds
            : Milliseconds(_later.Count > 0 ? Math.Min(_nextLook, _nextLater) : _nextLook);
        var fds = stackalloc PollFd[Count];
        fds[0] = new PollFd { Fd = (int)_stop.DangerousGetHandle(), Events = POLLIN };
        fds[1] = new PollFd { Fd = _events?.Descriptor ?? -1, Events = POLLIN };
        while (poll(fds, Count, due) < 0)
        {
            if (Marshal.GetLastPInvokeError() is var errno and not EINTR)
            {
                throw new NetlinkException("wait for events", errno);
            }
        }

        return fds[0].Revents == 0;
    }

    private static int Milliseconds(long until) =>
        (int)Math.Clamp((until - Stopwatch.GetTimestamp()) * 1000 / Stopwatch.Frequency + 1, 0, 60_000);

    private void ReadEvents()
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            while (_events is not null && _events.TryReceive(out var datagram))
            {
                while (NetlinkMessage.TryTake(ref datagram, out var message))
                {
                    Apply(message);
                }

                if (Stopwatch.GetElapsedTime(started) >= s_longestBurst)
                {
                    break;
                }
            }
        }
        catch (NetlinkException e) when (e.Errno == ENOBUFS)
        {
            _eventsLost = true;
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

        var name = NftTables.NameOf(family, table);
        if (!_attention.Sets.Contains((name, set)))
        {
            return;
        }

        // What a small set holds, and where a map leads to, is part of the rules.
        if (_attention.FlowSets.Contains((name, set)))
        {
            Dirty(family, table);
        }
        else
        {
            _ = _later.Add((family, table));
        }

        _setChanges.Add(new SetChange(
            name, set, [.. NftMessage.ParseElements(message).Select(static element => element.Key)], [], IsUnknown: _reader.Set(family, table, set) is { } known && (known.Flags & NFT_SET_INTERVAL) != 0));
    }

    private void Dirty(byte family, string table)
    {
        if (NftTables.Concerns(family))
        {
            _ = _dirty.Add((family, table));
        }
    }

    /// <summary>Reads again what events have named; whether anything is otherwise now.</summary>
    private bool Refresh()
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

        var before = _tables;
        if (_everything)
        {
            _reader.ReadNames();
            _tables = _tables.RemoveRange(_tables.Where(static pair => !IsLegacy(pair.Key)).Select(static pair => pair.Key));
            foreach (var key in _reader.Tables)
            {
                Read(key);
            }

            _everything = false;
            _dirty.Clear();
            _later.Clear();
            return true;
        }

        foreach (var key in _dirty.ToList())
        {
            Read(key);
            _ = _dirty.Remove(key);
            _ = _later.Remove(key);
        }

        var now = Stopwatch.GetTimestamp();
        if (_later.Count > 0 && now >= _nextLater)
        {
            foreach (var key in _later.ToList())
            {
                Read(key);
                _ = _later.Remove(key);
            }

            // Where it takes long, it is done as rarely as to cost little.
            const int Share = 100;
            var took = Stopwatch.GetTimestamp() - now;
            _nextLater = now + Math.Max(Ticks(Pause), took * Share);
        }

        return !ReferenceEquals(before, _tables);
    }

    private void Read((byte Family, string Name) key)
    {
        var name = NftTables.NameOf(key.Family, key.Name);
        if (_reader.Read(key) is not { } table)
        {
            _tables = _tables.Remove(name);
        }
        else if (_tables.GetValueOrDefault(name) is not { } before || before.Fingerprint != table.Fingerprint || before.Unreadable != table.Unreadable)
        {
            _tables = _tables.SetItem(name, table);
        }
    }

    /// <summary>Looks at what sends no events; whether anything is otherwise now.</summary>
    private bool LookAround()
    {
        _nextLook = Stopwatch.GetTimestamp() + Ticks(Look);
        var changed = false;
        if (_reader.MarksAreRead != _marksAreRead)
        {
            _reader.MarksAreRead = _marksAreRead;
            _reader.Forget();
            _everything = true;
            changed = Refresh();
        }

        var (legacy, other) = _reader.ReadLegacy();
        if (other)
        {
            _tables = _tables
                .RemoveRange(_tables.Where(static pair => IsLegacy(pair.Key)).Select(static pair => pair.Key))
                .SetItems(legacy.Select(static table => KeyValuePair.Create(table.Name, table)));
            changed = true;
        }

        _setChanges.AddRange(_reader.ReadIpSets(_attention.IpSets));
        return changed;
    }

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
        var change = new HostRulesChange(_current = new HostRulesState(_tables), [.. _setChanges]) { ReceivedAt = woken };
        _setChanges.Clear();
        _changes.Writer.TryWrite(_changes.Reader.TryRead(out var unread) ? unread.Then(change) : change);
    }
}
