using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;

namespace OnCache.Operator.Tests.Peers;

/// <summary>An API server of lists, watches and applies. Watches can be told to expire, and applies to be refused; what is applied is not stored.</summary>
internal sealed class FakeCluster : IKubernetesClient
{
    private readonly ConcurrentDictionary<Type, object> _kinds = new();

    public FakeKind<T> Of<T>()
        where T : class, IKubernetesObject<V1ObjectMeta> => (FakeKind<T>)_kinds.GetOrAdd(typeof(T), static _ => new FakeKind<T>());

    public Task<ResourceList<T>> ListAsync<T>(ListQuery? query = null, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta> => Task.FromResult(new ResourceList<T>([.. Of<T>().Items], "1"));

    public async IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(WatchQuery query, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        await foreach (var received in Of<T>().Events.Reader.ReadAllAsync(cancellationToken))
        {
            yield return received ?? throw new KubernetesException(StatusReason.Expired, "too old");
        }
    }

    public Task<T?> GetAsync<T>(NamespacedName name, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

    public Task<T> CreateAsync<T>(T entity, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

    public Task<T> UpdateAsync<T>(T entity, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

    public Task<T> UpdateStatusAsync<T>(T entity, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

    public Task<T> PatchAsync<T>(NamespacedName name, JsonObject patch, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

    public Task<T> PatchStatusAsync<T>(NamespacedName name, JsonObject patch, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

    public Task<ApplyResult<T>> ApplyAsync<T>(T entity, bool force = false, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta> => Task.FromResult(Of<T>().Take(entity));

    public Task<ApplyResult<T>> ApplyStatusAsync<T>(T entity, bool force = false, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta> => Task.FromResult<ApplyResult<T>>(new ApplyResult<T>.Applied(entity));

    public Task<bool> DeleteAsync<T>(NamespacedName name, DeleteOptions? options = null, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();
}

/// <summary>The objects of a kind.</summary>
internal sealed class FakeKind<T>
    where T : class, IKubernetesObject<V1ObjectMeta>
{
    private int _refusals;

    /// <summary>What a list holds.</summary>
    public IReadOnlyList<T> Items { get; set; } = [];

    /// <summary>What a watch sends; null: that its version is too old.</summary>
    public Channel<WatchEvent<T>?> Events { get; } = Channel.CreateUnbounded<WatchEvent<T>?>();

    /// <summary>What was asked to be applied, the refused included.</summary>
    public Channel<T> Applies { get; } = Channel.CreateUnbounded<T>();

    /// <summary>The next apply is refused.</summary>
    public void RefuseOne() => Interlocked.Increment(ref _refusals);

    public ApplyResult<T> Take(T entity)
    {
        _ = Applies.Writer.TryWrite(entity);
        return Interlocked.Decrement(ref _refusals) < 0
            ? new ApplyResult<T>.Applied(entity)
            : throw new KubernetesException(StatusReason.ServiceUnavailable, "not now");
    }
}
