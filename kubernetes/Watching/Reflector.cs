using Microsoft.Extensions.Logging;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.Watching;

/// <summary>The loop of list and watch.</summary>
internal sealed class Reflector<T>(
    IKubernetesClient client,
    ListQuery selection,
    WatchSettings settings,
    WatchMetrics metrics,
    ILogger logger,
    TimeProvider time,
    Random random)
    where T : class, IKubernetesObject<V1ObjectMeta>
{
    // Whatever the API server has in memory: hundreds of agents that start at once must not make it read its store for each.
    private const string AnyVersion = "0";

    // A connection that ends sooner and said nothing did not work, however politely it was closed.
    private static readonly TimeSpan Lasting = TimeSpan.FromSeconds(10);

    private readonly string _kind = (selection.MetadataOf ?? EntityType.Of<T>()).Kind;
    private readonly WatchPulse _pulse = new(time);

    // null: no version is known to be served from memory, so the store itself must be asked.
    private string? _version = settings.ListsInPages ? null : AnyVersion;

    public TimeSpan EventAge => _pulse.Age;

    public async Task RunAsync(Action<IReadOnlyList<T>> replace, Action<WatchEvent<T>> apply, CancellationToken cancellationToken)
    {
        using var registration = metrics.Follow(_pulse, _kind);
        var mustList = true;
        var failures = 0;
        var missingSince = default(long?);
        var isGone = false;
        while (!cancellationToken.IsCancellationRequested)
        {
            var failure = default(KubernetesException);
            var lasted = false;
            try
            {
                if (mustList)
                {
                    replace(await ListAsync(cancellationToken));
                    mustList = false;
                    (missingSince, isGone) = (null, false);
                }

                (var end, lasted, failure) = await WatchAsync(apply, cancellationToken);
                metrics.Ended(_kind, end.ToString());
                mustList = end == WatchEnd.Expired;
                _version = mustList && settings.ListsInPages ? null : _version;
            }
            catch (KubernetesException exception)
            {
                failure = exception;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception exception)
            {
                // Whatever it is: a watch that dies unseen would leave its cache wrong for ever.
                ReflectorLog.Threw(logger, exception, _kind);
                failure = new KubernetesException(StatusReason.Unknown, exception.Message, exception);
            }

            // The kind may have gone, and all of its objects with it: a watch would never say so.
            var isMissing = failure is { Reason: StatusReason.NotFound };
            mustList |= isMissing;
            missingSince = isMissing ? missingSince ?? time.GetTimestamp() : null;
            if (!isGone && missingSince is { } since && time.GetElapsedTime(since) >= settings.GoneAfter)
            {
                isGone = true;
                ReflectorLog.Gone(logger, _kind);
                replace([]);
            }

            failures = lasted ? 0 : failures + 1;
            if (failure is not null || failures > 0)
            {
                await PauseAsync(failure, Math.Max(failures, 1), cancellationToken);
            }
        }
    }

    private async Task<IReadOnlyList<T>> ListAsync(CancellationToken cancellationToken)
    {
        metrics.Listed(_kind, _version switch { AnyVersion => "start", null => "store", _ => "expired" });
        try
        {
            var list = await client.ListAsync<T>(selection with { ResourceVersion = _version }, cancellationToken);
            _version = list.ResourceVersion;
            _pulse.Beat();
            return list.Items;
        }
        catch (KubernetesException exception) when (_version is not null
            && exception.Reason is StatusReason.Expired or StatusReason.Gone or StatusReason.Timeout)
        {
            // Older than what is kept, or newer than the store, which was restored from a backup.
            _version = null;
            throw;
        }
    }

    private async Task<(WatchEnd End, bool Lasted, KubernetesException? Failure)> WatchAsync(
        Action<WatchEvent<T>> apply,
        CancellationToken cancellationToken)
    {
        var duration = settings.Duration * (1 + random.NextDouble());
        using var limit = new CancellationTokenSource(duration + settings.Grace, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var started = time.GetTimestamp();
        var heard = false;
        try
        {
            await foreach (var received in client.WatchAsync<T>(new WatchQuery(selection, _version!, duration), either.Token))
            {
                heard = true;
                _pulse.Beat();
                metrics.Received(_kind, received.Type.ToString());
                apply(received);
                _version = received.Entity.Metadata.ResourceVersion ?? _version;
            }

            return (WatchEnd.Closed, HasLasted(), Failure: null);
        }
        catch (KubernetesException exception)
        {
            return (exception.IsExpired ? WatchEnd.Expired : WatchEnd.Failed, HasLasted(), exception);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            ReflectorLog.Hung(logger, _kind, time.GetElapsedTime(started));
            return (WatchEnd.Hung, Lasted: true, Failure: null);
        }

        bool HasLasted() => heard || time.GetElapsedTime(started) >= Lasting;
    }

    private async Task PauseAsync(KubernetesException? failure, int failures, CancellationToken cancellationToken)
    {
        var wait = settings.Backoff.Delay(failures, random.NextDouble());
        if (failure?.RetryAfter is { } asked && asked > wait)
        {
            wait = asked;
        }

        ReflectorLog.Interrupted(logger, _kind, failure?.Message ?? "closed at once", wait);
        try
        {
            await Task.Delay(wait, time, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The loop sees it.
        }
    }
}
