using System.Diagnostics;
using OnCache.Lab;

namespace OnCache.EndToEnd.Fixture;

/// <summary>Waiting for a state instead of for a time: returns as soon as it is there, fails only long after it should be.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(10);

    /// <summary>Reads until <paramref name="condition"/> holds, and returns what was read then.</summary>
    /// <param name="what">Completes "still not: ...".</param>
    public static async Task<T> ReadsAsync<T>(Func<Task<T>> read, Func<T, bool> condition, string what)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var present = await read();
            if (condition(present))
            {
                return present;
            }

            if (Stopwatch.GetElapsedTime(started) > Liveness.Limit)
            {
                throw new TimeoutException($"still not, after {Liveness.Limit.TotalSeconds} s: {what}; last seen: {present}");
            }

            await Task.Delay(Poll, TestContext.Current.CancellationToken);
        }
    }

    public static Task HoldsAsync(Func<bool> condition, string what) =>
        ReadsAsync(() => Task.FromResult(condition()), static holds => holds, what);
}
