namespace OnCache.Agent.Daemon;

/// <summary>What the event loop is asked to do, in order, by any thread; the loop takes it on one of its own.</summary>
/// <remarks>Waiting spins for nothing and wakes one thread: a timer of the thread pool wakes three for each tick.</remarks>
internal sealed class RequestQueue
{
    private readonly object _lock = new();
    private readonly Queue<Func<bool>> _requests = [];
    private bool _isComplete;
    private bool _isWoken;

    /// <returns>False once the queue is complete.</returns>
    public bool TryAdd(Func<bool> request)
    {
        lock (_lock)
        {
            if (_isComplete)
            {
                return false;
            }

            _requests.Enqueue(request);
            Monitor.Pulse(_lock);
            return true;
        }
    }

    public bool TryTake(out Func<bool> request)
    {
        lock (_lock)
        {
            return _requests.TryDequeue(out request!);
        }
    }

    /// <summary>Waits for a request, or to be woken, for this time at most; at once where there is one.</summary>
    public void Wait(TimeSpan atMost)
    {
        lock (_lock)
        {
            if (_requests.Count == 0 && !_isWoken && atMost > TimeSpan.Zero)
            {
                // Not a moment less: the caller would have nothing to do yet.
                _ = Monitor.Wait(_lock, TimeSpan.FromMilliseconds(Math.Ceiling(atMost.TotalMilliseconds)));
            }

            _isWoken = false;
        }
    }

    /// <summary>Ends the wait without a request, or the next one.</summary>
    public void Wake()
    {
        lock (_lock)
        {
            _isWoken = true;
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>Takes no more requests; those that it has can be taken still.</summary>
    public void Complete()
    {
        lock (_lock)
        {
            _isComplete = true;
        }
    }
}
