using System.Diagnostics;

namespace OnCache.Lab.Tests.Cluster;

/// <summary>Waits for what other processes bring about in their own time.</summary>
internal static class Eventually
{
    public static async Task HoldsAsync(Func<Task<bool>> condition, Func<Task<string>>? explain = null)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(started) > Liveness.Limit)
            {
                throw new TimeoutException(explain is null ? $"not within {Liveness.Limit.TotalSeconds} s" : await explain());
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken);
        }
    }
}
