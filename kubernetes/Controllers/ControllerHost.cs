using Microsoft.Extensions.Logging;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Watching;

namespace OnCache.Kubernetes.Controllers;

/// <summary>
/// Joins a cache to a controller: changes become keys of a queue, keys become calls, and whatever goes wrong in a call, an exception
/// included, leads to another one later.
/// </summary>
public sealed class ControllerHost<TEntity> : IDisposable
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly string _kind = EntityType.Of<TEntity>().Kind;
    private readonly ResourceCache<TEntity> _cache;
    private readonly IEntityController<TEntity> _controller;
    private readonly Finalization<TEntity> _finalization;
    private readonly ControllerMetrics _metrics;
    private readonly ILogger _logger;
    private readonly ControllerSettings<TEntity> _settings;
    private readonly TimeProvider _time;
    private readonly WorkQueue<NamespacedName> _queue;
    private readonly HeardChanges<TEntity> _heard = new();

    /// <summary>A host at rest.</summary>
    /// <param name="cache">The objects; whoever owns the cache runs it.</param>
    /// <param name="controller">What is to be done.</param>
    /// <param name="finalizers">What is to be done before an object goes.</param>
    /// <param name="client">Notes finalizers.</param>
    /// <param name="metrics">Where reconciliations are counted.</param>
    /// <param name="logger">Where failures are told.</param>
    /// <param name="settings">How it is run.</param>
    /// <param name="time">Measures delays.</param>
    /// <param name="random">Spreads waits.</param>
    public ControllerHost(
        ResourceCache<TEntity> cache,
        IEntityController<TEntity> controller,
        IReadOnlyList<FinalizerRegistration<TEntity>> finalizers,
        IKubernetesClient client,
        ControllerMetrics metrics,
        ILogger logger,
        ControllerSettings<TEntity>? settings = null,
        TimeProvider? time = null,
        Random? random = null)
    {
        _cache = cache;
        _controller = controller;
        _finalization = new Finalization<TEntity>(client, finalizers);
        _metrics = metrics;
        _logger = logger;
        _settings = settings ?? new ControllerSettings<TEntity>();
        _time = time ?? TimeProvider.System;
        _queue = new WorkQueue<NamespacedName>(_settings.Backoff, _time, random ?? Random.Shared);
        metrics.Follow(_kind, () => _queue.Count);
    }

    /// <summary>Asks for a reconciliation of an object for a reason the cache does not know.</summary>
    public void Enqueue(NamespacedName name) => _queue.Add(name);

    /// <summary>
    /// Works until cancelled, beginning when the cache is synced. Each call of it begins with every object there is, so a new leader
    /// needs no more than to call it. Calls in progress see the cancellation and are waited for.
    /// </summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var subscription = _cache.Subscribe();
        try
        {
            await _cache.WaitForSyncAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return;
        }

        await Task.WhenAll([
            FeedAsync(subscription, cancellationToken),
            .. Enumerable.Range(0, _settings.Workers).Select(_ => WorkAsync(cancellationToken)),
        ]);
    }

    /// <inheritdoc/>
    public void Dispose() => _queue.Dispose();

    private async Task FeedAsync(ResourceSubscription<TEntity> subscription, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var change in subscription.Changes.ReadAllAsync(cancellationToken))
            {
                var awaited = _heard.Hear(change);
                if (awaited || change.Kind == ChangeKind.Deleted || IsWorthIt(change))
                {
                    _queue.Add(NamespacedName.Of(change.Entity));
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Told to stop.
        }
    }

    private bool IsWorthIt(ResourceChange<TEntity> change)
    {
        try
        {
            return _settings.Filter(change);
        }
        catch (Exception exception)
        {
            // One reconciliation too many is better than none ever again.
            ControllerLog.Threw(_logger, exception, _kind, NamespacedName.Of(change.Entity));
            return true;
        }
    }

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            NamespacedName name;
            try
            {
                name = await _queue.TakeAsync(cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }

            try
            {
                await HandleAsync(name, cancellationToken);
            }
            finally
            {
                _queue.Done(name);
            }
        }
    }

    private async Task HandleAsync(NamespacedName name, CancellationToken cancellationToken)
    {
        var started = _time.GetTimestamp();
        string outcome;
        try
        {
            outcome = Schedule(name, await ReconcileAsync(name, cancellationToken));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return;
        }
        catch (KubernetesException exception) when (exception.Reason is StatusReason.Conflict or StatusReason.AlreadyExists)
        {
            // We looked at an old state; the new one is on its way to the cache.
            ControllerLog.Outdated(_logger, _kind, name, exception.Message);
            _queue.AddFailed(name);
            outcome = "conflict";
        }
        catch (Exception exception)
        {
            // One object's trouble, of whatever kind, must not stop the work on the others.
            ControllerLog.Threw(_logger, exception, _kind, name);
            Postpone(name, (exception as KubernetesException)?.RetryAfter);
            outcome = "exception";
        }

        _metrics.Reconciled(_kind, outcome, _time.GetElapsedTime(started));
    }

    private async Task<ReconciliationResult<TEntity>?> ReconcileAsync(NamespacedName name, CancellationToken cancellationToken)
    {
        // In this order: an object whose addition was heard has all its predecessors among those that are gone.
        var entity = FindHeard(name);
        while (_heard.Gone(name) is { } gone)
        {
            var result = await _controller.DeletedAsync(gone, cancellationToken);
            if (result.IsFailure || result.RequeueAfter is not null)
            {
                return result;
            }

            _heard.Reported(name);
            entity = FindHeard(name);
        }

        if (entity is null)
        {
            return null;
        }

        return entity.Metadata.DeletionTimestamp is null
            ? await _controller.ReconcileAsync(await _finalization.AttachAsync(entity, cancellationToken), cancellationToken)
            : await _finalization.FinalizeAsync(entity, cancellationToken);
    }

    // One that is not heard yet comes back when it is.
    private TEntity? FindHeard(NamespacedName name) => _cache.Find(name) is { } entity && _heard.IsHeard(entity) ? entity : null;

    private string Schedule(NamespacedName name, ReconciliationResult<TEntity>? result)
    {
        if (result is { IsFailure: true })
        {
            ControllerLog.Failed(_logger, result.Error, _kind, name, result.ErrorMessage);
            Postpone(name, result.RequeueAfter);
            return "failure";
        }

        _queue.Forget(name);
        if (result?.RequeueAfter is { } delay)
        {
            _queue.AddAfter(name, delay);
        }

        return "success";
    }

    private void Postpone(NamespacedName name, TimeSpan? asked)
    {
        if (asked is { } delay)
        {
            _queue.AddAfter(name, delay);
        }
        else
        {
            _queue.AddFailed(name);
        }
    }
}
