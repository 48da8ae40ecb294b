using System.Threading.Channels;
using OnCache.Kubernetes.Resilience;

namespace OnCache.Kubernetes.Controllers;

/// <summary>
/// Keys that wait for work. A key waits once however often it is added, is never handed out twice at the same time, and when added while it
/// is worked on is handed out again afterwards: no addition is lost.
/// </summary>
/// <typeparam name="TKey">What identifies a piece of work.</typeparam>
internal sealed class WorkQueue<TKey> : IDisposable
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Channel<TKey> _ready = Channel.CreateUnbounded<TKey>();
    private readonly HashSet<TKey> _waiting = [];
    private readonly HashSet<TKey> _working = [];
    private readonly Dictionary<TKey, int> _failures = [];
    private readonly Dictionary<TKey, TimeSpan> _due = [];
    private readonly PriorityQueue<TKey, TimeSpan> _delayed = new();
    private readonly Backoff _backoff;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly Random _random;
    private readonly ITimer _timer;

    /// <summary>An empty queue.</summary>
    /// <param name="backoff">The waits of keys that fail.</param>
    /// <param name="time">Measures delays.</param>
    /// <param name="random">Spreads waits.</param>
    public WorkQueue(Backoff backoff, TimeProvider time, Random random)
    {
        _backoff = backoff;
        _time = time;
        _start = time.GetTimestamp();
        _random = random;
        _timer = time.CreateTimer(_ => Release(), state: null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Keys that wait, delayed ones not counted.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count;
            }
        }
    }

    // Since the queue was made: the date of a machine can be set, this cannot.
    private TimeSpan Now => _time.GetElapsedTime(_start);

    /// <summary>Adds a key.</summary>
    public void Add(TKey key)
    {
        lock (_lock)
        {
            if (_waiting.Add(key) && !_working.Contains(key))
            {
                _ = _ready.Writer.TryWrite(key);
            }
        }
    }

    /// <summary>Adds a key later; of several such wishes the earliest counts.</summary>
    public void AddAfter(TKey key, TimeSpan delay)
    {
        if (delay <= TimeSpan.Zero)
        {
            Add(key);
            return;
        }

        lock (_lock)
        {
            var due = Now + delay;
            if (!_due.TryGetValue(key, out var known) || due < known)
            {
                _due[key] = due;
                _delayed.Enqueue(key, due);
                Arm();
            }
        }
    }

    /// <summary>Adds a key that failed, later with each failure in a row.</summary>
    public void AddFailed(TKey key)
    {
        TimeSpan delay;
        lock (_lock)
        {
            var failures = _failures.GetValueOrDefault(key) + 1;
            _failures[key] = failures;
            delay = _backoff.Delay(failures, _random.NextDouble());
        }

        AddAfter(key, delay);
    }

    /// <summary>Forgets a key's failures.</summary>
    public void Forget(TKey key)
    {
        lock (_lock)
        {
            _ = _failures.Remove(key);
        }
    }

    /// <summary>Waits for a key and hands it out; <see cref="Done"/> must follow.</summary>
    public async ValueTask<TKey> TakeAsync(CancellationToken cancellationToken)
    {
        var key = await _ready.Reader.ReadAsync(cancellationToken);
        lock (_lock)
        {
            _ = _waiting.Remove(key);
            _ = _working.Add(key);
        }

        return key;
    }

    /// <summary>Ends the work on a key.</summary>
    public void Done(TKey key)
    {
        lock (_lock)
        {
            if (_working.Remove(key) && _waiting.Contains(key))
            {
                _ = _ready.Writer.TryWrite(key);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Release()
    {
        lock (_lock)
        {
            var now = Now;
            while (_delayed.TryPeek(out var key, out var due) && due <= now)
            {
                _ = _delayed.Dequeue();
                // An entry whose wish was overtaken by an earlier one has nothing left to do.
                if (_due.TryGetValue(key, out var wanted) && wanted == due)
                {
                    _ = _due.Remove(key);
                    Add(key);
                }
            }

            Arm();
        }
    }

    private void Arm()
    {
        if (_delayed.TryPeek(out _, out var due))
        {
            var wait = due - Now;
            // Rounded up: a timer that fires a fraction early would find nothing due.
            var rounded = TimeSpan.FromMilliseconds(Math.Max(0, Math.Ceiling(wait.TotalMilliseconds)));
            _ = _timer.Change(rounded, Timeout.InfiniteTimeSpan);
        }
    }
}
