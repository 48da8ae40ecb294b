using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
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
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private static readonly V1Alpha1NodeCacheConfig s_object =
        new() { Metadata = new V1ObjectMeta { Name = "n1", Uid = "config-1", Generation = 9, ResourceVersion = "1" } };

    [Fact]
    public async Task The_generation_that_is_reported_is_the_one_in_force_with_its_sizes_and_not_that_of_the_object()
    {
        var written = await FirstWrittenAsync(s_object, new StatusSample(), static () => State("config-1", configured: 8, observed: 7));

        written.ObservedGeneration.ShouldBe(7);
        written.Conditions.ShouldAllBe(static condition => condition.ObservedGeneration == 7);
    }

    /// <summary>It starts with other sizes than are asked for by now, and what an agent before it has observed remains so.</summary>
    [Fact]
    public async Task An_agent_that_has_observed_none_takes_back_nothing()
    {
        var told = s_object with { Status = new NodeCacheConfigStatus { ObservedGeneration = 6 } };

        (await FirstWrittenAsync(told, new StatusSample(), static () => State("config-1", configured: 8, observed: 0))).ObservedGeneration.ShouldBe(6);
    }

    /// <summary>An object that is deleted and made again counts its generations anew.</summary>
    [Fact]
    public async Task Nothing_is_written_to_an_object_of_what_was_said_by_the_one_before()
    {
        var asked = 0;

        var written = await FirstWrittenAsync(
            s_object, new StatusSample(), () => ++asked < 3 ? State("config-0", configured: 12, observed: 12) : State("config-1", configured: 2, observed: 2), news: 3);

        written.ObservedGeneration.ShouldBe(2);
    }

    [Fact]
    public async Task A_status_that_cannot_be_read_for_a_moment_is_written_later()
    {
        var written = await FirstWrittenAsync(s_object, new ShortOfHandles(), static () => State("config-1", configured: 8, observed: 8));

        written.ObservedGeneration.ShouldBe(8);
    }

    [Fact]
    public async Task An_agent_that_tells_nothing_is_asked_nothing()
    {
        var asked = 0;
        var time = new FakeTimeProvider();
        var news = Channel.CreateUnbounded<bool>();
        AgentState Asked()
        {
            asked++;
            return State("config-1", configured: 8, observed: 8);
        }

        await using var writing = await Writing.StartAsync(s_object, new StatusSample(), Asked, news.Reader, time);

        time.Advance(TimeSpan.FromMinutes(1));
        asked.ShouldBe(0);
        news.Writer.TryWrite(true).ShouldBeTrue();
        var written = writing.FirstAsync();
        while (!written.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        _ = await written;
        time.Advance(TimeSpan.FromMinutes(1));
        asked.ShouldBe(1);
    }

    private static AgentState State(string uid, long configured, long observed) => new(
        NodeWithAgent.Configuration with { Uid = uid, Generation = configured }, observed, Plan: null!, new Dictionary<Ipv4Address, uint>(), WithoutRoom: new HashSet<Ipv4Address>(),
        AttachFailures: new Dictionary<int, string>(), Retired: default, LastFlush: null, HostRulesReport.None, NicFailures: [], SizesRefused: null, BeyondShare: new HashSet<Ipv4Address>(), Warnings: []);

    private static async Task<NodeCacheConfigStatus> FirstWrittenAsync(V1Alpha1NodeCacheConfig config, IStatusSource status, Func<AgentState?> state, int news = 1)
    {
        var told = Channel.CreateUnbounded<bool>();
        for (var times = 0; times < news; times++)
        {
            told.Writer.TryWrite(true).ShouldBeTrue();
        }

        await using var writing = await Writing.StartAsync(config, status, state, told.Reader, TimeProvider.System);
        return await writing.FirstAsync();
    }

    /// <summary>A writer that runs until disposed.</summary>
    private sealed class Writing : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        private readonly WatchMetrics _metrics = new();
        private readonly OneNode _client;
        private readonly ClusterConfigurationSource _source;
        private readonly Task _watching;
        private Task _writing = Task.CompletedTask;

        private Writing(V1Alpha1NodeCacheConfig config)
        {
            _client = new OneNode(config);
            _source = new ClusterConfigurationSource("n1", _client, new CoherenceLane(), _metrics, NullLoggerFactory.Instance, TimeProvider.System);
            _watching = _source.RunAsync(_stop.Token);
        }

        public static async Task<Writing> StartAsync(
            V1Alpha1NodeCacheConfig config, IStatusSource status, Func<AgentState?> state, ChannelReader<bool> news, TimeProvider time)
        {
            var started = new Writing(config);
            await started._source.WaitForSyncAsync(started._stop.Token);
            started._writing = new NodeStatusWriter("n1", started._client, started._source, status, state, news, time, NullLogger.Instance).RunAsync(started._stop.Token);
            return started;
        }

        public async Task<NodeCacheConfigStatus> FirstAsync() =>
            await Task.WhenAny(_client.Written, _writing).WaitAsync(s_patience, _stop.Token) == _writing
                ? throw new InvalidOperationException("the writer has ended", _writing.Exception)
                : await _client.Written;

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_watching, _writing).ContinueWith(static _ => { }, TaskScheduler.Default);
            _stop.Dispose();
            _metrics.Dispose();
        }
    }

    /// <summary>Answers from the second time on.</summary>
    private sealed class ShortOfHandles : IStatusSource
    {
        private readonly StatusSample _sample = new();
        private int _asked;

        public AgentStatus Status(bool countFlows) => ++_asked == 1 ? throw new IOException("Too many open files") : _sample.Status(countFlows);

        public AgentHealth Health() => _sample.Health();
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
