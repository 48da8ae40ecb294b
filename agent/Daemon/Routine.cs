namespace OnCache.Agent.Daemon;

/// <summary>What the event loop does by itself, once in a period, for the first time after one.</summary>
/// <param name="period">Between two times.</param>
/// <param name="action">Returns whether a turn must follow.</param>
/// <param name="time">The clock.</param>
internal sealed class Routine(TimeSpan period, Func<bool> action, TimeProvider time)
{
    private readonly long _begun = time.GetTimestamp();
    private long _times = 1;

    /// <summary>Until the next time; not positive when it is due.</summary>
    public TimeSpan Left => (_times * period) - time.GetElapsedTime(_begun);

    /// <summary>Does it when it is due. Times that were missed are not made up for.</summary>
    public bool RunIfDue()
    {
        var elapsed = time.GetElapsedTime(_begun);
        if (elapsed < _times * period)
        {
            return false;
        }

        // Routines whose periods are multiples of each other stay in step, and wake the loop together.
        _times = (elapsed.Ticks / period.Ticks) + 1;
        return action();
    }
}
