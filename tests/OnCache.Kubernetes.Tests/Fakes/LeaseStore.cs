using System.Globalization;
using System.Text.Json.Nodes;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.Tests.Fakes;

/// <summary>One lease as an API server keeps it: versions guard updates. A link to it can be cut.</summary>
internal sealed class LeaseStore
{
    private readonly Lock _lock = new();
    private V1Lease? _lease;
    private int _version;

    public string? Holder
    {
        get
        {
            lock (_lock)
            {
                return _lease?.Spec.HolderIdentity;
            }
        }
    }

    public Link Connect() => new(this);

    /// <summary>Somebody writes another name into the lease, whoever holds it.</summary>
    public void Seize(string holder)
    {
        lock (_lock)
        {
            var lease = _lease.ShouldNotBeNull();
            _lease = lease with
            {
                Metadata = lease.Metadata with { ResourceVersion = (++_version).ToString(CultureInfo.InvariantCulture) },
                Spec = lease.Spec with { HolderIdentity = holder },
            };
        }
    }

    /// <summary>A candidate's connection.</summary>
    public sealed class Link(LeaseStore store) : IKubernetesClient
    {
        private volatile bool _down;
        private volatile TaskCompletionSource? _hang;
        private volatile bool _mute;
        private volatile TaskCompletionSource? _late;
        private int _writes;

        public int Writes => _writes;

        public void Cut() => _down = true;

        public void Hang() => _hang = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>From now on writes are carried out and not answered.</summary>
        public void Mute() => _mute = true;

        /// <summary>From now on writes are carried out, and answered when <see cref="Restore"/> is called.</summary>
        public void Delay() => _late = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>All is well again; what hung fails.</summary>
        public void Restore()
        {
            _down = _mute = false;
            _ = _late?.TrySetResult();
            _late = null;
            _ = _hang?.TrySetResult();
            _hang = null;
        }

        public Task<T?> GetAsync<T>(NamespacedName name, CancellationToken cancellationToken = default)
            where T : class, IKubernetesObject<V1ObjectMeta> =>
            DoAsync(() => store._lease as T, cancellationToken);

        public Task<T> CreateAsync<T>(T entity, CancellationToken cancellationToken = default)
            where T : class, IKubernetesObject<V1ObjectMeta> =>
            DoAsync(
                () => store._lease is null
                    ? Write(entity)
                    : throw new KubernetesException(StatusReason.AlreadyExists, "it exists"),
                cancellationToken);

        public Task<T> UpdateAsync<T>(T entity, CancellationToken cancellationToken = default)
            where T : class, IKubernetesObject<V1ObjectMeta> =>
            DoAsync(
                () => store._lease?.Metadata.ResourceVersion == entity.Metadata.ResourceVersion
                    ? Write(entity)
                    : throw new KubernetesException(StatusReason.Conflict, "it was modified"),
                cancellationToken);

        public Task<ResourceList<T>> ListAsync<T>(ListQuery? query = null, CancellationToken cancellationToken = default)
            where T : class, IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

        public IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(WatchQuery query, CancellationToken cancellationToken = default)
            where T : class, IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

        public Task<T> UpdateStatusAsync<T>(T entity, CancellationToken cancellationToken = default)
            where T : class, IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

        public Task<T> PatchAsync<T>(NamespacedName name, JsonObject patch, CancellationToken cancellationToken = default)
            where T : class, IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

        public Task<T> PatchStatusAsync<T>(NamespacedName name, JsonObject patch, CancellationToken cancellationToken = default)
            where T : class, IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

        public Task<ApplyResult<T>> ApplyAsync<T>(T entity, bool force = false, CancellationToken cancellationToken = default)
            where T : class, IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

        public Task<ApplyResult<T>> ApplyStatusAsync<T>(T entity, bool force = false, CancellationToken cancellationToken = default)
            where T : class, IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

        public Task<bool> DeleteAsync<T>(NamespacedName name, DeleteOptions? options = null, CancellationToken cancellationToken = default)
            where T : class, IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

        private T Write<T>(T entity)
            where T : class
        {
            var version = (++store._version).ToString(CultureInfo.InvariantCulture);
            var lease = (V1Lease)(object)entity;
            store._lease = lease with { Metadata = lease.Metadata with { ResourceVersion = version, Uid = "u" } };
            _ = Interlocked.Increment(ref _writes);
            return (T)(object)store._lease;
        }

        private async Task<T> DoAsync<T>(Func<T> action, CancellationToken cancellationToken)
        {
            var writes = _writes;
            await Task.Yield();
            if (_hang is { } hang)
            {
                await hang.Task.WaitAsync(cancellationToken);
                throw new KubernetesException(StatusReason.Unreachable, "the link hung");
            }

            if (_down)
            {
                throw new KubernetesException(StatusReason.Unreachable, "the link is cut");
            }

            var (mute, late) = (_mute, _late);
            T answer;
            lock (store._lock)
            {
                answer = action();
            }

            if (mute && _writes > writes)
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            if (late is not null && _writes > writes)
            {
                await late.Task.WaitAsync(cancellationToken);
            }

            return answer;
        }
    }
}
