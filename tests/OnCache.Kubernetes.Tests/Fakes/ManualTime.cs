using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;

namespace OnCache.Kubernetes.Tests.Fakes;

/// <summary>Time that stands still until it is moved, and tells what is waited for.</summary>
internal sealed class ManualTime() : FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero))
{
    private readonly ConcurrentDictionary<ITimer, DateTimeOffset> _waits = new();

    /// <summary>The date of a timestamp.</summary>
    public static DateTimeOffset At(long timestamp) => new(timestamp, TimeSpan.Zero);

    /// <summary>Whether a wait that has begun ends in exactly this time.</summary>
    public bool IsWaitingFor(TimeSpan wait) => _waits.Values.Contains(GetUtcNow() + wait);

    /// <summary>Moves time, stopping at each wait that ends: what then happens sees its own time, and not the end.</summary>
    public new void Advance(TimeSpan by)
    {
        var end = GetUtcNow() + by;
        while (_waits.Values.Where(wait => wait > GetUtcNow() && wait < end).Order().FirstOrDefault() is var next && next != default)
        {
            base.Advance(next - GetUtcNow());
        }

        base.Advance(end - GetUtcNow());
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Wait(this, base.CreateTimer(callback, state, dueTime, period));
        timer.Note(dueTime);
        return timer;
    }

    private sealed class Wait(ManualTime time, ITimer timer) : ITimer
    {
        public void Note(TimeSpan dueTime)
        {
            if (dueTime == Timeout.InfiniteTimeSpan)
            {
                _ = time._waits.TryRemove(this, out _);
            }
            else
            {
                time._waits[this] = time.GetUtcNow() + dueTime;
            }
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Note(dueTime);
            return timer.Change(dueTime, period);
        }

        public void Dispose()
        {
            Note(Timeout.InfiniteTimeSpan);
            timer.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
