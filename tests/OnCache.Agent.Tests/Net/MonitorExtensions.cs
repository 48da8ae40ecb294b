using OnCache.Agent.Net;

namespace OnCache.Agent.Tests.Net;

internal static class MonitorExtensions
{
    // Far above what an event takes; reached only by a failing test.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    /// <summary>Reads changes until the snapshot satisfies the condition; returns everything that changed on the way as one.</summary>
    public static async Task<NetworkChange> UntilAsync(this NetworkMonitor monitor, Func<NetworkSnapshot, bool> condition, string expected)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(s_patience);
        NetworkChange? sum = null;
        try
        {
            do
            {
                var change = await monitor.Changes.ReadAsync(timeout.Token);
                sum = sum is null ? change : sum.Then(change);
            }
            while (!condition(sum.Snapshot));

            return sum;
        }
        catch (OperationCanceledException e) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"no event within {s_patience}: {expected}; seen so far: {sum?.Kinds.ToString() ?? "nothing"}", e);
        }
    }
}
