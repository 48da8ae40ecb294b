using System.Diagnostics;

namespace OnCache.EndToEnd.Fixture;

/// <summary>Waiting for a state instead of for a time: returns as soon as it is there, fails only long after it should be.</summary>
internal static class Eventually
{
    /// <summary>Less than what a socket or conntrack takes to give up by itself: that is no proof that anybody has helped.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Between two readings for which processes are started: what is waited for shall have most of the machine.</summary>
    public static readonly TimeSpan Sparing = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(10);

    /// <summary>Reads until <paramref name="condition"/> holds, and returns what was read then.</summary>
    /// <param name="what">Completes "still not: ...".</param>
    /// <param name="pause">Between two readings; 10 ms when left out.</param>
    public static async Task<T> ReadsAsync<T>(Func<Task<T>> read, Func<T, bool> condition, string what, TimeSpan? pause = null)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var present = await read();
            if (condition(present))
            {
                return present;
            }

            if (Stopwatch.GetElapsedTime(started) > Limit)
            {
                throw new TimeoutException($"still not, after {Limit.TotalSeconds} s: {what}; last seen: {present}");
            }

            await Task.Delay(pause ?? s_poll, TestContext.Current.CancellationToken);
        }
    }

    public static Task HoldsAsync(Func<bool> condition, string what) =>
        ReadsAsync(() => Task.FromResult(condition()), static holds => holds, what);
}
