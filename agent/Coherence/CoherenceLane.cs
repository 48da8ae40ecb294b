using System.Diagnostics;

namespace OnCache.Agent.Coherence;

/// <summary>
/// The short way from an event to its effect: on the thread that brings the event, past the event loop, its planning and its waits.
/// Verdicts are void when <see cref="Observe"/> returns. Safe from any thread.
/// </summary>
internal sealed class CoherenceLane
{
    private readonly Lock _lock = new();
    private ClusterView _view = ClusterView.Empty;
    private IFlushExecutor? _executor;

    /// <summary>Flushes go to <paramref name="executor"/> until the result is disposed. To be called before its datapath voids all at its start.</summary>
    public IDisposable Serve(IFlushExecutor executor)
    {
        lock (_lock)
        {
            _executor = executor;
        }

        return new Turn(this, executor);
    }

    /// <summary>Takes in what was observed, in order, and carries out what follows from it.</summary>
    public void Observe(IEnumerable<(CoherenceEvent Event, DateTimeOffset? ChangedAt)> observed)
    {
        var receivedAt = Stopwatch.GetTimestamp();
        lock (_lock)
        {
            foreach (var (item, changedAt) in observed)
            {
                (_view, var plans) = FlushRules.Step(_view, item);
                foreach (var plan in plans)
                {
                    _executor?.Carry(plan, new FlushTiming(receivedAt, changedAt));
                }
            }
        }
    }

    private sealed class Turn(CoherenceLane lane, IFlushExecutor executor) : IDisposable
    {
        public void Dispose()
        {
            lock (lane._lock)
            {
                if (ReferenceEquals(lane._executor, executor))
                {
                    lane._executor = null;
                }
            }
        }
    }
}

/// <summary>Carries out flushes. Called from any thread, one call at a time; what is void is void on return.</summary>
internal interface IFlushExecutor
{
    void Carry(FlushPlan plan, FlushTiming timing);
}
