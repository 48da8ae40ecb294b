using Microsoft.Extensions.Logging;
using OnCache.Agent.Net;
using OnCache.Agent.Topology;

namespace OnCache.Agent.Daemon;

/// <summary>
/// A thread that asks the kernel for neighbours. Each question takes the kernel's lock of all network configuration (RTNL), behind whatever
/// a busy node does to its devices: the event loop, whose heartbeat keeps the fast path open, must not wait for it.
/// </summary>
internal sealed partial class NeighbourAsker : IDisposable
{
    private const int StackSize = 128 * 1024;

    private readonly Action<NeighbourProbe, Neighbour?> _ask;
    private readonly Action _close;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _news = new(0);
    private readonly Queue<(NeighbourProbe Probe, Neighbour? Known)> _waiting = [];
    private readonly HashSet<NeighbourProbe> _queued = [];
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private volatile bool _stopped;

    /// <param name="ask">One question; a <see cref="NetlinkException"/> means that the kernel refused it.</param>
    internal NeighbourAsker(Action<NeighbourProbe, Neighbour?> ask, Action close, ILogger logger)
    {
        (_ask, _close, _logger) = (ask, close, logger);
        _thread = new Thread(Run, StackSize) { IsBackground = true, Name = "neighbours" };
        _thread.Start();
    }

    /// <summary>Completes when this is disposed, or with what ended it.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Begins, in the calling thread's network namespace.</summary>
    /// <exception cref="NetlinkException">The kernel refused a socket.</exception>
    public static NeighbourAsker Start(ILogger logger)
    {
        var prober = NeighbourProber.Open();
        return new NeighbourAsker(
            (probe, known) =>
            {
                if (known is null)
                {
                    prober.Use(probe.IfIndex, probe.Address);
                }
                else
                {
                    prober.Confirm(known);
                }
            },
            prober.Dispose,
            logger);
    }

    /// <summary>Asks soon; not twice for one that waits already.</summary>
    /// <param name="known">What the kernel believes of it, to be confirmed; null where it is to be resolved.</param>
    public void Ask(NeighbourProbe probe, Neighbour? known = null)
    {
        lock (_lock)
        {
            if (!_queued.Add(probe))
            {
                return;
            }

            _waiting.Enqueue((probe, known));
        }

        _ = _news.Release();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopped = true;
        _ = _news.Release();
        _thread.Join();
        _news.Dispose();
        _close();
    }

    private void Run()
    {
        try
        {
            while (true)
            {
                _news.Wait();
                if (_stopped)
                {
                    break;
                }

                (NeighbourProbe Probe, Neighbour? Known) next;
                lock (_lock)
                {
                    next = _waiting.Dequeue();
                    _ = _queued.Remove(next.Probe);
                }

                try
                {
                    _ask(next.Probe, next.Known);
                }
                catch (NetlinkException failure)
                {
                    // The device may have gone since; its event is on the way.
                    LogProbeFailed(next.Probe.Address, failure.Message);
                }
            }

            _completion.SetResult();
        }
        catch (Exception e)
        {
            _completion.SetException(e);
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "neighbour {Address} not probed: {Reason}")]
    private partial void LogProbeFailed(Ipv4Address address, string reason);
}
