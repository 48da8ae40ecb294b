using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Threading.Channels;

using static OnCache.Agent.Net.NetlinkNative;
using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>
/// Follows one network namespace: that of the thread that started it. A thread of its own reads the kernel's events, applies them and
/// publishes what changed; when the kernel had to drop events, everything is read again.
/// </summary>
internal sealed class NetworkMonitor : IDisposable
{
    /// <summary>Holds the events of a few thousand changes at once. Unit: octets.</summary>
    public const int DefaultReceiveBuffer = 4 * 1024 * 1024;

    // A change is published at once when the queue is empty, else after this long.
    private static readonly TimeSpan s_longestBurst = TimeSpan.FromMilliseconds(2);

    private const int RetryMilliseconds = 50;
    private const int WaitForEver = -1;
    private const int StackSize = 256 * 1024;

    private readonly NetlinkSocket _route;
    private readonly NetlinkSocket? _xfrm;
    private readonly NetworkRequests _requests;
    private readonly NetlinkHandle _stop;
    private readonly NetworkUpdater _updater;
    private readonly Thread _thread;
    // At most one change waits: a slow reader finds the sum of what it missed.
    private readonly Channel<NetworkChange> _changes =
        Channel.CreateBounded<NetworkChange>(new BoundedChannelOptions(1) { SingleWriter = true });

    private volatile NetworkSnapshot _current;
    private bool _eventsLost;
    private int _resyncs;

    private NetworkMonitor(NetlinkSocket route, NetlinkSocket? xfrm, NetworkRequests requests, NetlinkHandle stop, NetworkSnapshot snapshot)
    {
        _route = route;
        _xfrm = xfrm;
        _requests = requests;
        _stop = stop;
        _updater = new NetworkUpdater(snapshot);
        _current = snapshot;
        _thread = new Thread(Run, StackSize) { IsBackground = true, Name = "netlink" };
    }

    /// <summary>The network as of the last change.</summary>
    public NetworkSnapshot Current => _current;

    /// <summary>
    /// Changes after the snapshot that <see cref="Current"/> held at the start. Completes when this is disposed, or with the
    /// <see cref="NetlinkException"/> that ended it.
    /// </summary>
    public ChannelReader<NetworkChange> Changes => _changes.Reader;

    /// <summary>How often events were lost and everything was read again.</summary>
    public int Resyncs => Volatile.Read(ref _resyncs);

    /// <summary>Reads the calling thread's network namespace and begins to follow it.</summary>
    /// <param name="receiveBuffer">Octets of events the kernel may hold for us.</param>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static NetworkMonitor Start(int receiveBuffer = DefaultReceiveBuffer)
    {
        var opened = new Stack<IDisposable>();
        try
        {
            // Events first, lists second: what changes in between is then seen twice rather than never.
            var route = Keep(NetlinkSocket.Open(NETLINK_ROUTE));
            route.SetReceiveBuffer(receiveBuffer);
            ReadOnlySpan<int> groups =
                [RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_TC, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV4_NETCONF];
            foreach (var group in groups)
            {
                route.Subscribe(group);
            }

            // Kernel 5.3. Without nexthop objects there is nothing to miss.
            route.TrySubscribe(RTNLGRP_NEXTHOP);
            var xfrm = XfrmSocket.TryOpen();
            if (xfrm is not null)
            {
                Keep(xfrm).Subscribe(XFRMNLGRP_POLICY);
                xfrm.Subscribe(XFRMNLGRP_EXPIRE);
            }

            var requests = Keep(NetworkRequests.Open());
            var stop = Keep(eventfd(0, EFD_CLOEXEC));
            if (stop.IsInvalid)
            {
                throw new NetlinkException("create an eventfd", Marshal.GetLastPInvokeError());
            }

            var monitor = new NetworkMonitor(route, xfrm, requests, stop, NetworkSnapshotReader.Read(requests));
            monitor._thread.Start();
            return monitor;
        }
        catch
        {
            while (opened.TryPop(out var resource))
            {
                resource.Dispose();
            }

            throw;
        }

        T Keep<T>(T resource)
            where T : IDisposable
        {
            opened.Push(resource);
            return resource;
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
        _route.Dispose();
        _xfrm?.Dispose();
        _requests.Dispose();
        _stop.Dispose();
    }

    private void Run()
    {
        try
        {
            while (Wait(_eventsLost || _updater.Stale != NetworkChangeKinds.None ? RetryMilliseconds : WaitForEver))
            {
                var woken = Stopwatch.GetTimestamp();
                ReadEvents();
                if (TryRefresh() && _updater.TakeChange() is { } change)
                {
                    Publish(change with { ReceivedAt = woken });
                }
            }

            _changes.Writer.TryComplete();
        }
        catch (NetlinkException e)
        {
            _changes.Writer.TryComplete(e);
        }
    }

    /// <summary>False when it is time to stop.</summary>
    private unsafe bool Wait(int milliseconds)
    {
        const int Count = 3;
        // poll passes over a negative descriptor.
        var fds = stackalloc PollFd[Count];
        fds[0] = new PollFd { Fd = (int)_stop.DangerousGetHandle(), Events = POLLIN };
        fds[1] = new PollFd { Fd = _route.Descriptor, Events = POLLIN };
        fds[2] = new PollFd { Fd = _xfrm?.Descriptor ?? -1, Events = POLLIN };
        while (poll(fds, Count, milliseconds) < 0)
        {
            if (Marshal.GetLastPInvokeError() is var errno and not EINTR)
            {
                throw new NetlinkException("wait for events", errno);
            }
        }

        return fds[0].Revents == 0;
    }

    private void ReadEvents()
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            while (_route.TryReceive(out var datagram))
            {
                while (NetlinkMessage.TryTake(ref datagram, out var message))
                {
                    _updater.Apply(message);
                }

                if (Stopwatch.GetElapsedTime(started) >= s_longestBurst)
                {
                    break;
                }
            }

            while (_xfrm is not null && _xfrm.TryReceive(out _))
            {
                _updater.ApplyXfrm();
            }
        }
        catch (NetlinkException e) when (e.Errno == ENOBUFS)
        {
            _eventsLost = true;
        }
    }

    /// <summary>Reads again what the events did not say; false when it must be tried again.</summary>
    private bool TryRefresh()
    {
        try
        {
            if (_eventsLost)
            {
                Resync();
            }

            _updater.Refresh(_requests);
            return true;
        }
        catch (NetlinkException e) when (e.Errno == EAGAIN)
        {
            // A list that never stood still.
            return false;
        }
    }

    /// <summary>
    /// Starts over. The events still queued are older than the lists to be read and must not be applied to them: those that took them
    /// back may be among the lost.
    /// </summary>
    private void Resync()
    {
        Discard(_route);
        if (_xfrm is not null)
        {
            Discard(_xfrm);
        }

        _updater.Resync(NetworkSnapshotReader.Read(_requests));
        _eventsLost = false;
        Interlocked.Increment(ref _resyncs);
    }

    private static void Discard(NetlinkSocket socket)
    {
        while (true)
        {
            try
            {
                if (!socket.TryReceive(out _))
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

    private void Publish(NetworkChange change)
    {
        _current = change.Snapshot;
        _changes.Writer.TryWrite(_changes.Reader.TryRead(out var unread) ? unread.Then(change) : change);
    }
}
