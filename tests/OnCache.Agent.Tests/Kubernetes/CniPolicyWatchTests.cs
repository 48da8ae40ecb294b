using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Agent.Coherence;
using OnCache.Agent.Kubernetes;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Watching;

namespace OnCache.Agent.Tests.Kubernetes;

public sealed class CniPolicyWatchTests
{
    [Fact]
    public async Task A_look_that_fails_takes_back_that_there_are_no_such_policies()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        using var metrics = new WatchMetrics();
        var told = new List<bool>();
        void Told(bool absent)
        {
            told.Add(absent);
            if (told.Count == 4)
            {
                stop.Cancel();
            }
        }

        // The client is not asked: no look finds a kind.
        await new CniPolicyWatch(
                null!, new AwayEveryOtherTime(), CniPolicyKind.Known, new CoherenceLane(), Told, metrics, new Hurried(), NullLogger.Instance)
            .RunAsync(stop.Token);

        told.ShouldBe([false, true, false, true], "nobody has looked; none there; no answer; none there");
    }

    private sealed class AwayEveryOtherTime : IApiDiscovery
    {
        private int _looks;

        public Task<IReadOnlyList<EntityType>> FindKindsAsync(IReadOnlyCollection<string> groups, CancellationToken cancellationToken = default) =>
            _looks++ % 2 == 0 ? Task.FromResult<IReadOnlyList<EntityType>>([]) : throw new KubernetesException(StatusReason.Unknown, "away");
    }

    /// <summary>Whatever is waited for is over at once.</summary>
    private sealed class Hurried : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime == Timeout.InfiniteTimeSpan ? dueTime : TimeSpan.Zero, period);
    }
}
