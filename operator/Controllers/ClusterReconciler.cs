using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using OnCache.Api;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Resilience;
using OnCache.Operator.Compilation;
using OnCache.Operator.Peers;
using OnCache.Operator.Telemetry;

namespace OnCache.Operator.Controllers;

/// <summary>
/// Makes the cluster what the policies ask, again and again: every decision depends on all policies and nodes, so there is one loop and
/// not one for each object. A burst of changes is one turn.
/// </summary>
internal sealed partial class ClusterReconciler(
    ClusterCaches caches,
    SignalLedger signals,
    ClusterWriter writer,
    IEventSink events,
    OperatorMetrics metrics,
    TimeProvider time,
    ILogger<ClusterReconciler> logger)
{
    // The first change of a burst acts at once, the rest of it in the next turn.
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);

    // Thousands of agents that report one after another cost one write a second.
    private static readonly TimeSpan StatusPace = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan WriteLag = TimeSpan.FromSeconds(5);
    private const int ParallelWrites = 8;

    // What comes to thousands of nodes at once must not hold up their configurations.
    private const int NodeEventsATurn = 20;

    private readonly ReconcilePlanner _planner = new();
    private readonly CanonicalText _text = new();
    private readonly SentWrites _sentConfigs = new(WriteLag);
    private readonly SentWrites _sentStatuses = new(WriteLag);
    private readonly ConcurrentDictionary<string, string> _obstacles = new(StringComparer.Ordinal);
    private readonly Backoff _backoff = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));

    /// <summary>Works until cancelled. Failures are retried for ever.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await caches.WaitForSyncAsync(cancellationToken);
        var changed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        var following = Task.WhenAll(
            caches.FollowAsync(() => changed.Writer.TryWrite(true), cancellationToken),
            signals.FollowAsync(() => changed.Writer.TryWrite(true), cancellationToken));
        var nodeEvents = new NodeEvents(caches.View.Configs);
        var failuresInARow = 0;
        while (true)
        {
            var turn = await TurnAsync(nodeEvents, cancellationToken);
            failuresInARow = turn.Failures > 0 ? failuresInARow + 1 : 0;
            await Task.Delay(Pace, time, cancellationToken);
            var wait = failuresInARow > 0 ? _backoff.Delay(failuresInARow, Random.Shared.NextDouble()) : turn.Wait;
            await WaitAsync(changed.Reader, wait, cancellationToken);
            if (following.IsCompleted)
            {
                await following;
            }
        }
    }

    private async Task WaitAsync(ChannelReader<bool> changed, TimeSpan? wait, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(wait ?? Timeout.InfiniteTimeSpan, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            _ = await changed.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Time to look again.
        }
    }

    private async Task<Turn> TurnAsync(NodeEvents nodeEvents, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var started = time.GetTimestamp();
        var view = caches.View;
        var versions = view.Configs.ToDictionary(config => config.Metadata.Name!, config => config.Metadata.ResourceVersion, StringComparer.Ordinal);
        _sentConfigs.Keep(view.Nodes.Select(node => node.Metadata.Name!).ToHashSet(StringComparer.Ordinal));
        _sentStatuses.Keep(view.Policies.Select(policy => policy.Metadata.Uid!).ToHashSet(StringComparer.Ordinal));

        var batch = signals.Begin(view.Configs.ToDictionary(config => config.Metadata.Name!, Target, StringComparer.Ordinal), now);
        var plan = _planner.Plan(view, _obstacles, batch, now);
        var turn = new Turn();
        if (batch.Wait is { } pause)
        {
            turn.LookAgainIn(pause);
        }

        await WriteAsync("finalizer", plan.Release, policy => writer.ReleaseAsync(policy, cancellationToken), policy => policy.Metadata.Name!, turn, cancellationToken);
        await ApplyAsync(plan.Apply, versions, now, turn, cancellationToken);
        EndSignals(batch, plan);
        await WriteAsync("deletion", plan.Delete, config => writer.DeleteAsync(config, cancellationToken), config => config.Metadata.Name!, turn, cancellationToken);
        await WriteStatusesAsync(plan.Statuses, now, turn, cancellationToken);

        var news = nodeEvents.Next(view.Configs, NodeEventsATurn);
        await Task.WhenAll(news.Select(item => events.PublishAsync(item.Config, item.Happened, cancellationToken)));
        if (news.Count == NodeEventsATurn)
        {
            turn.LookAgainIn(TimeSpan.Zero);
        }

        metrics.Reconciled(time.GetElapsedTime(started), view, turn.Failures);
        return turn;

        // An agent may follow policies that were just written before the view shows them.
        SignalTarget Target(V1Alpha1NodeCacheConfig config)
        {
            var target = SignalTarget.Of(config.Spec);
            var isJustWritten = _sentConfigs.LastAt(config.Metadata.Name!) is { } last && now - last < WriteLag;
            return target with { HoldsVerdicts = target.HoldsVerdicts || isJustWritten };
        }
    }

    private async Task ApplyAsync(
        IReadOnlyList<V1Alpha1NodeCacheConfig> configs,
        Dictionary<string, string?> versions,
        DateTimeOffset now,
        Turn turn,
        CancellationToken cancellationToken)
    {
        var due = new List<V1Alpha1NodeCacheConfig>();
        foreach (var config in configs)
        {
            var name = config.Metadata.Name!;
            if (_sentConfigs.IsUnderway(name, Text(config), versions.GetValueOrDefault(name), now))
            {
                turn.LookAgainIn(WriteLag);
            }
            else
            {
                due.Add(config);
            }
        }

        foreach (var config in due)
        {
            _ = _obstacles.TryRemove(config.Metadata.Name!, out _);
        }

        await WriteAsync("configuration", due, config => writer.ApplyAsync(config, cancellationToken), config => config.Metadata.Name!, turn, cancellationToken, (config, failure) =>
            _obstacles[config.Metadata.Name!] = failure);
        foreach (var config in due.Where(config => !_obstacles.ContainsKey(config.Metadata.Name!)))
        {
            _sentConfigs.Add(config.Metadata.Name!, Text(config), versions.GetValueOrDefault(config.Metadata.Name!), now);
        }

        string Text(V1Alpha1NodeCacheConfig config) => $"{config.Metadata.OwnerReferences![0].Uid} {_text.Of(config.Spec)}";
    }

    private void EndSignals(SignalBatch batch, ReconcilePlan plan)
    {
        var written = plan.Apply.Select(config => config.Metadata.Name!).Where(batch.Due.Contains).ToHashSet(StringComparer.Ordinal);
        foreach (var node in batch.Due)
        {
            // A node that just went needs to be told nothing.
            var isWritten = written.Contains(node);
            var isAccepted = isWritten && !_obstacles.ContainsKey(node);
            var signal = signals.End(node, isAccepted || !isWritten);
            if (isAccepted)
            {
                metrics.Signalled(signal, time.GetUtcNow());
            }
        }
    }

    private async Task WriteStatusesAsync(IReadOnlyList<StatusChange> changes, DateTimeOffset now, Turn turn, CancellationToken cancellationToken)
    {
        var due = new List<StatusChange>();
        foreach (var change in changes)
        {
            var key = change.Policy.Metadata.Uid!;
            if (_sentStatuses.IsUnderway(key, _text.Of(change.Status), change.Policy.Metadata.ResourceVersion, now))
            {
                turn.LookAgainIn(WriteLag);
            }
            else if (_sentStatuses.LastAt(key) is { } last && now - last < StatusPace)
            {
                turn.LookAgainIn(last + StatusPace - now);
            }
            else
            {
                due.Add(change);
            }
        }

        var failed = new ConcurrentDictionary<StatusChange, string>(ReferenceEqualityComparer.Instance);
        await WriteAsync("status", due, change => writer.ApplyStatusAsync(change, cancellationToken), change => change.Policy.Metadata.Name!, turn, cancellationToken, (change, failure) =>
            failed[change] = failure);
        foreach (var change in due.Where(change => !failed.ContainsKey(change)))
        {
            _sentStatuses.Add(change.Policy.Metadata.Uid!, _text.Of(change.Status), change.Policy.Metadata.ResourceVersion, now);
            foreach (var happened in PolicyEvents.Between(change.Policy.Status, change.Status))
            {
                await events.PublishAsync(change.Policy, happened, cancellationToken);
            }
        }
    }

    private async Task WriteAsync<T>(
        string what,
        IReadOnlyList<T> items,
        Func<T, Task> write,
        Func<T, string> name,
        Turn turn,
        CancellationToken cancellationToken,
        Action<T, string>? failed = null)
    {
        await Parallel.ForEachAsync(
            items,
            new ParallelOptions { MaxDegreeOfParallelism = ParallelWrites, CancellationToken = cancellationToken },
            async (item, _) =>
            {
                try
                {
                    await write(item);
                    metrics.Wrote(what, "ok");
                }
                catch (KubernetesException exception)
                {
                    metrics.Wrote(what, exception.Reason.ToString());
                    failed?.Invoke(item, exception.Message);
                    turn.Failed();
                    LogRefused(what, name(item), exception.Message);
                }
            });
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{What} of {Name} not written, to be tried again: {Cause}")]
    private partial void LogRefused(string what, string name, string cause);

    /// <summary>What one turn came to. Writes run in parallel.</summary>
    private sealed class Turn
    {
        private int _failures;

        public int Failures => _failures;

        public TimeSpan? Wait { get; private set; }

        public void Failed() => Interlocked.Increment(ref _failures);

        public void LookAgainIn(TimeSpan wait)
        {
            var sensible = wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
            Wait = Wait is { } earlier && earlier < sensible ? earlier : sensible;
        }
    }
}
