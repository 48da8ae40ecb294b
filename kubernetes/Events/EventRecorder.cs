using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Kubernetes.Events;

/// <summary>
/// Writes events about objects, of which <c>kubectl describe</c> shows the latest. Events are a courtesy: one that cannot be written
/// within seconds is logged and never in the way. To be called when something changes, not each time it is looked at.
/// </summary>
/// <param name="client">The API server.</param>
/// <param name="controller">Who reports, such as <c>example.com/operator</c>.</param>
/// <param name="instance">Which replica of it: the pod's name.</param>
/// <param name="logger">Where failures are told.</param>
/// <param name="time">Dates events.</param>
public sealed class EventRecorder(IKubernetesClient client, string controller, string instance, ILogger logger, TimeProvider? time = null)
    : IDisposable
{
    private const int LongestNote = 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly EventJournal _journal = new();
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Reports an event.</summary>
    /// <param name="entity">The object it is about, as the server knows it.</param>
    /// <param name="reason">Why, in one word in upper camel case.</param>
    /// <param name="message">A sentence; what is beyond 1024 characters is cut off.</param>
    /// <param name="type">Whether it needs attention.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task PublishAsync<T>(
        T entity,
        string reason,
        string message,
        EventType type = EventType.Normal,
        CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var note = message.Length <= LongestNote ? message : string.Concat(message.AsSpan(0, LongestNote - 3), "...");
        var key = new EventKey(entity.Metadata.Uid ?? string.Empty, type, reason, note);
        using var patience = new CancellationTokenSource(Patience, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            // One at a time: two of a kind must become one with a count, not two.
            await _turn.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            EventRecorderLog.NotWritten(logger, reason, NamespacedName.Of(entity), "others before it take too long");
            return;
        }

        try
        {
            switch (_journal.Decide(key, _time.GetUtcNow()))
            {
                case EventDecision.Create:
                    await CreateAsync(entity, key, either.Token);
                    break;
                case EventDecision.Repeat repeat:
                    await RepeatAsync(Home(entity), repeat, either.Token);
                    break;
            }
        }
        catch (KubernetesException exception)
        {
            _journal.Lost(key);
            EventRecorderLog.NotWritten(logger, reason, NamespacedName.Of(entity), exception.Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            _journal.Lost(key);
            EventRecorderLog.NotWritten(logger, reason, NamespacedName.Of(entity), "the server takes too long");
        }
        finally
        {
            _ = _turn.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();

    // Events of cluster-scoped objects live in "kube-system": before 1.21 no other namespace is accepted for them.
    private static string Home(IKubernetesObject<V1ObjectMeta> entity) => entity.Metadata.NamespaceProperty ?? "kube-system";

    private async Task CreateAsync<T>(T entity, EventKey key, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var type = EntityType.Of<T>();
        var now = _time.GetUtcNow();
        var name = string.Create(CultureInfo.InvariantCulture, $"{entity.Metadata.Name}.{Guid.NewGuid():N}");
        _ = await client.CreateAsync(
            new Eventsv1Event
            {
                Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = Home(entity) },
                EventTime = now,
                ReportingController = controller,
                ReportingInstance = instance,
                Action = key.Reason,
                Reason = key.Reason,
                Note = key.Note,
                Type = key.Type.ToString(),
                Regarding = new V1ObjectReference
                {
                    ApiVersion = type.ApiVersion,
                    Kind = type.Kind,
                    NamespaceProperty = entity.Metadata.NamespaceProperty,
                    Name = entity.Metadata.Name,
                    Uid = entity.Metadata.Uid,
                },
            },
            cancellationToken);
        _journal.Written(key, name);
    }

    private async Task RepeatAsync(string home, EventDecision.Repeat repeat, CancellationToken cancellationToken)
    {
        var series = new V1EventSeries { Count = repeat.Count, LastObservedTime = _time.GetUtcNow() };
        _ = await client.PatchAsync<Eventsv1Event>(
            new NamespacedName(home, repeat.Name),
            new JsonObject { ["series"] = JsonSerializer.SerializeToNode(series, KubernetesJson.Contract<V1EventSeries>()) },
            cancellationToken);
    }
}
