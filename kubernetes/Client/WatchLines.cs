using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Json;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Resilience;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Kubernetes.Client;

/// <summary>The stream of a watch: one JSON document per line.</summary>
internal static class WatchLines
{
    // Objects are limited to 1.5 MiB by the store; a longer line is not one.
    private const int LongestLine = 16 << 20;

    /// <summary>Splits a stream into lines. A last line without its end was cut off and is an error, not an event.</summary>
    public static async IAsyncEnumerable<ReadOnlySequence<byte>> ReadAsync(
        Stream body,
        string path,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var reader = PipeReader.Create(body, new StreamPipeReaderOptions(leaveOpen: true));
        try
        {
            while (true)
            {
                var result = await FillAsync(reader, path, cancellationToken);
                var buffer = result.Buffer;
                while (buffer.PositionOf((byte)'\n') is { } end)
                {
                    var line = buffer.Slice(0, end);
                    if (!line.IsEmpty)
                    {
                        yield return line;
                    }

                    buffer = buffer.Slice(buffer.GetPosition(1, end));
                }

                reader.AdvanceTo(buffer.Start, buffer.End);
                if (buffer.Length > LongestLine || (result.IsCompleted && !buffer.IsEmpty))
                {
                    throw new KubernetesException(StatusReason.Unreachable, $"watch {path}: cut off within an event");
                }

                if (result.IsCompleted)
                {
                    yield break;
                }
            }
        }
        finally
        {
            await reader.CompleteAsync();
        }
    }

    /// <summary>Reads one event; one that reports an error is thrown.</summary>
    public static WatchEvent<T> Parse<T>(ReadOnlySequence<byte> line, string path)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var content = document.RootElement.GetProperty("object");
            return document.RootElement.GetProperty("type").GetString() switch
            {
                "ADDED" => Event<T>(WatchEventType.Added, content),
                "MODIFIED" => Event<T>(WatchEventType.Modified, content),
                "DELETED" => Event<T>(WatchEventType.Deleted, content),
                "BOOKMARK" => Event<T>(WatchEventType.Bookmark, content),
                "ERROR" => throw Error(content, path),
                var other => throw new KubernetesException(StatusReason.Unknown, $"watch {path}: unknown event type \"{other}\""),
            };
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new KubernetesException(StatusReason.Unknown, $"watch {path}: an event cannot be read: {exception.Message}", exception);
        }
    }

    private static WatchEvent<T> Event<T>(WatchEventType type, JsonElement content)
        where T : class, IKubernetesObject<V1ObjectMeta> =>
        new(type, content.Deserialize(KubernetesJson.Contract<T>()) ?? throw new JsonException("the object is null"));

    private static KubernetesException Error(JsonElement content, string path)
    {
        var status = content.Deserialize(KubernetesJson.Contract<k8s.Models.V1Status>()) ?? new k8s.Models.V1Status();
        return new KubernetesException(status, $"watch {path}: {status.Code} {status.Message}");
    }

    private static async ValueTask<ReadResult> FillAsync(PipeReader reader, string path, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadAsync(cancellationToken);
        }
        catch (Exception exception) when (Connection.IsFailure(exception))
        {
            throw new KubernetesException(StatusReason.Unreachable, $"watch {path}: {exception.Message}", exception);
        }
    }
}
