using System.Diagnostics;
using OnCache.Lab;

namespace OnCache.Operator.Tests.Live;

/// <summary>Waits for what other processes bring about.</summary>
internal static class Eventually
{
    /// <summary>Asks again until the answer is not null; fails the test when it stays so.</summary>
    public static async Task<T> GetAsync<T>(string what, Func<Task<T?>> ask)
        where T : class
    {
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < Liveness.Limit)
        {
            if (await ask() is { } answer)
            {
                return answer;
            }

            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        throw new ShouldAssertException($"{what} did not come about within {Liveness.Limit}");
    }

    public static Task HoldsAsync(string what, Func<Task<bool>> ask) => GetAsync(what, async () => await ask() ? "" : null);
}
