using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Telemetry;

namespace OnCache.Agent.Daemon;

/// <summary>A thread that tells conntrack, a few times a second, which connections have ended on the fast path.</summary>
internal sealed class EndedConnectionsTeller : IDisposable
{
    // Within a second after its last packet an entry shows how its connection ended. While connections end, their queues must not fill.
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_idleInterval = TimeSpan.FromMilliseconds(500);

    // The programs' clock lags by a tick, and one that has looked at it may not have written yet.
    private static readonly TimeSpan s_underWay = TimeSpan.FromMilliseconds(20);

    private const int StackSize = 128 * 1024;

    private readonly Func<ulong, IReadOnlyList<Ended>> _take;
    private readonly Func<uint, ulong> _reopened;
    private readonly Func<ConntrackTimeouts> _timeouts;
    private readonly EndedConnections _conntrack;
    private readonly CoherenceMetrics _metrics;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    // It does not come so soon that spinning for it would be worth its cost, a few times a second.
    private readonly ManualResetEventSlim _stop = new(initialState: false, spinCount: 0);
    private readonly Thread _thread;

    /// <summary>Begins, in the calling thread's network namespace.</summary>
    /// <exception cref="NetlinkException">The kernel refused a socket.</exception>
    public EndedConnectionsTeller(DatapathMaps maps, Func<ConntrackTimeouts> timeouts, CoherenceMetrics metrics)
        : this(new EndedConnectionQueues(maps.EndedQueues, maps.Ended).Take, place => Volatile.Read(ref maps.Reopened[place]), timeouts, metrics)
    {
    }

    /// <param name="take">What ended before a moment, in its order. Asked by the thread of this object alone.</param>
    /// <param name="reopened">By its place, when the ports of a connection last began a new life.</param>
    /// <exception cref="NetlinkException">The kernel refused a socket.</exception>
    internal EndedConnectionsTeller(Func<ulong, IReadOnlyList<Ended>> take, Func<uint, ulong> reopened, Func<ConntrackTimeouts> timeouts, CoherenceMetrics metrics)
    {
        (_take, _reopened, _timeouts, _metrics) = (take, reopened, timeouts, metrics);
        _conntrack = EndedConnections.Open();
        _thread = new Thread(Run, StackSize) { IsBackground = true, Name = "ended" };
        _thread.Start();
    }

    /// <summary>Completes when this is disposed, or with what ended it.</summary>
    public Task Completion => _completion.Task;

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Set();
        _thread.Join();
        _conntrack.Dispose();
        _stop.Dispose();
    }

    /// <summary>By which the programs note what happened to a connection: bpf/notes.h.</summary>
    internal static uint HashOf(in FlowKey key)
    {
        var hash = (ulong)key.LocalIp << 32 | key.RemoteIp;
        hash ^= hash >> 29;
        hash *= 0x9e3779b97f4a7c15;
        hash ^= hash >> 32;
        hash ^= (uint)key.LocalPort << 16 | key.RemotePort;
        hash *= 0xbf58476d1ce4e5b9;
        return (uint)(hash ^ hash >> 32);
    }

    /// <summary>Whether the ports began a new life since. Of another key's note nothing follows: conntrack takes it if the agent is wrong once.</summary>
    /// <param name="note">What stands at the place of the hash: upper half the time, lower half whose.</param>
    internal static bool HasReopened(in Ended ended, ulong note) =>
        (uint)note == HashOf(ended.Key) && (int)((uint)(note >> 32) - (uint)(ended.At >> Layout.NoteShift)) >= 0;

    /// <summary>The state that conntrack would have come to by itself, and for how long it stays.</summary>
    internal static (TcpConntrackState State, TimeSpan Timeout) StateOf(Closing closing, ConntrackTimeouts timeouts) =>
        (closing & Closing.Reset) != Closing.None ? (TcpConntrackState.Close, timeouts.TcpClose)
        : (closing & Closing.BothFin) == Closing.BothFin ? (TcpConntrackState.TimeWait, timeouts.TcpTimeWait)
        // A RST that nobody took for one. The next packet prolongs it.
        : (TcpConntrackState.Established, timeouts.TcpClose);

    private void Run()
    {
        try
        {
            // What ended before this agent began waits in the ring, too.
            while (!_stop.Wait(Tell() ? s_interval : s_idleInterval))
            {
            }

            // Nobody comes after this one who would read what ended just now.
            Thread.Sleep(s_underWay);
            _ = Tell();
            _completion.SetResult();
        }
        catch (Exception e)
        {
            _completion.SetException(e);
        }
    }

    /// <returns>Whether any connection had ended.</returns>
    private bool Tell()
    {
        var now = MonotonicClock.Now();
        if (_take(now - MonotonicClock.Nanoseconds(s_underWay)) is not { Count: > 0 } all)
        {
            return false;
        }

        var timeouts = _timeouts();
        // Conntrack has let go of what ended longer ago, and may know another connection on these ports by now.
        var longest = MonotonicClock.Nanoseconds(timeouts.TcpClose);
        int told = 0, reopened = 0;
        try
        {
            foreach (var ended in all)
            {
                // The ports have begun a new life since, of which conntrack knows by the SYN.
                if (HasReopened(ended, _reopened(HashOf(ended.Key) & (Layout.Notes - 1))))
                {
                    reopened++;
                    continue;
                }

                if (ended.At + longest < now)
                {
                    continue;
                }

                var (state, timeout) = StateOf(ended.Closing, timeouts);
                _conntrack.Add(
                    new ConnectionTuple(ended.Key.LocalIp, ended.Key.RemoteIp, ended.Key.LocalPort, ended.Key.RemotePort, ended.Key.Protocol), state, (uint)timeout.TotalSeconds);
                told++;
            }

            _conntrack.Send();
        }
        catch (NetlinkException)
        {
            // The short timeout that the program has set is what is left to them.
        }

        _metrics.Ended(told, reopened);
        return true;
    }
}
