using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Agent.Coherence;
using OnCache.Agent.Daemon;
using OnCache.Agent.Kubernetes;
using OnCache.Agent.Net;
using OnCache.Agent.Telemetry;
using OnCache.Agent.Tests.Daemon;
using OnCache.Agent.Tests.Telemetry;
using OnCache.Api;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Watching;

namespace OnCache.Agent.Tests.Kubernetes;

public sealed class NodeStatusWriterTests
{
    [Fact]
    public async Task The_generation_that_is_reported_is_the_one_in_force_with_its_sizes_and_not_that_of_the_object()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        using var metrics = new WatchMetrics();
        var client = new OneNode(new V1Alpha1NodeCacheConfig { Metadata = new V1ObjectMeta { Name = "n1", Uid = "config-1", Generation = 9, ResourceVersion = "1" } });
        var source = new ClusterConfigurationSource("n1", client, new CoherenceLane(), metrics, NullLoggerFactory.Instance, TimeProvider.System);
        var watching = source.RunAsync(stop.Token);
        await source.WaitForSyncAsync(stop.Token);
        var inForce = new AgentState(
            NodeWithAgent.Configuration with { Generation = 8 }, ObservedGeneration: 7, Plan: null!, new Dictionary<Ipv4Address, uint>(), WithoutRoom: new HashSet<Ipv4Address>(),
            AttachFailures: new Dictionary<int, string>(), Retired: default, LastFlush: null, HostRulesReport.None, NicFailures: [], SizesRefused: null, BeyondShare: new HashSet<Ipv4Address>(), Warnings: []);

        var writing = new NodeStatusWriter("n1", client, source, new StatusSample(), () => inForce, TimeProvider.System, NullLogger.Instance).RunAsync(stop.Token);

        var written = await client.Written.WaitAsync(stop.Token);
        written.ObservedGeneration.ShouldBe(7);
        written.Conditions.ShouldAllBe(static condition => condition.ObservedGeneration == 7);
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(writing);
        await watching.ContinueWith(static _ => { }, TaskScheduler.Default);
    }

    /// <summary>An API server with the object of one node, and nothing else.</summary>
    private sealed class OneNode(V1Alpha1NodeCacheConfig config) : IKubernetesClient
    {
        private readonly TaskCompletionSource<NodeCacheConfigStatus> _written = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<NodeCacheConfigStatus> Written => _written.Task;

        public Task<ResourceList<T>> ListAsync<T>(ListQuery? query = null, CancellationToken cancellationToken = default)
            where T : class, IKubernetesObject<V1ObjectMeta> => Task.FromResult(new ResourceList<T>(config is T item ? [item] : [], "1"));

        public async IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(WatchQuery query, [EnumeratorCancellation] CancellationToken cancellationToken = default)
            where T : class, IKubernetesObject<V1ObjectMeta>
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            yield break;
        }

        public Task<ApplyResult<T>> ApplyStatusAsync<T>(T entity, bool force = false, CancellationToken cancellationToken = default)
            where T : class, IKubernetesObject<V1ObjectMeta>
        {
            _written.TrySetResult(((V1Alpha1NodeCacheConfig)(object)entity).Status!);
            return Task.FromResult<ApplyResult<T>>(new ApplyResult<T>.Applied(entity));
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
            where T : class, IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();

        public Task<bool> DeleteAsync<T>(NamespacedName name, DeleteOptions? options = null, CancellationToken cancellationToken = default)
            where T : class, IKubernetesObject<V1ObjectMeta> => throw new NotSupportedException();
    }
}
