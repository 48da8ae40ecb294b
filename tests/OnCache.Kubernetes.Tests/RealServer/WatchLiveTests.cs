using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Resilience;
using OnCache.Kubernetes.Tests.Fakes;
using OnCache.Kubernetes.Watching;

namespace OnCache.Kubernetes.Tests.RealServer;

[Collection(RealServerTests.Name)]
public sealed class WatchLiveTests(RealApiServer server)
{
    private static readonly WatchSettings Settings = new()
    {
        Backoff = new Backoff(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1)),
    };

    private readonly string _home = $"t{Guid.NewGuid():N}";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Changes_are_seen_as_they_happen()
    {
        await using var trial = await StartAsync(Settings);

        var a = await trial.Direct.CreateAsync(Map("a"), Token);
        (await trial.NextAsync()).ShouldBe("Added a");
        _ = await trial.Direct.UpdateAsync(a with { Data = new Dictionary<string, string> { ["x"] = "y" } }, Token);
        (await trial.NextAsync()).ShouldBe("Modified a");
        _ = await trial.Direct.DeleteAsync<V1ConfigMap>(NamespacedName.Of(a), cancellationToken: Token);
        (await trial.NextAsync()).ShouldBe("Deleted a");
    }

    [Fact]
    public async Task What_happens_while_the_wire_is_cut_is_seen_afterwards()
    {
        await using var trial = await StartAsync(Settings, "gone", "stays");
        trial.Proxy.Cut();
        _ = await trial.Direct.DeleteAsync<V1ConfigMap>(new NamespacedName(_home, "gone"), cancellationToken: Token);
        _ = await trial.Direct.CreateAsync(Map("new"), Token);

        trial.Proxy.Restore();

        (await trial.NextAsync()).ShouldBe("Deleted gone");
        (await trial.NextAsync()).ShouldBe("Added new");
    }

    [Fact]
    public async Task A_wire_that_went_silent_is_replaced()
    {
        await using var trial = await StartAsync(Settings, "stays");
        trial.Proxy.Freeze();
        _ = await trial.Direct.CreateAsync(Map("new"), Token);

        (await trial.NextAsync()).ShouldBe("Added new");
        trial.Proxy.Accepted.ShouldBeGreaterThan(1);
    }

    [Fact]
    public async Task A_restart_of_the_server_that_forgot_the_versions_is_outlived()
    {
        await using var trial = await StartAsync(Settings, "gone", "stays");
        trial.Proxy.Cut();
        _ = await trial.Direct.DeleteAsync<V1ConfigMap>(new NamespacedName(_home, "gone"), cancellationToken: Token);
        await server.Plane.RestartApiServerAsync(Token);
        trial.Proxy.Restore();

        (await trial.NextAsync()).ShouldBe("Deleted gone");
        _ = await trial.Direct.CreateAsync(Map("new"), Token);
        (await trial.NextAsync()).ShouldBe("Added new");
    }

    [Fact]
    public async Task A_version_the_server_forgot_is_reported_as_expired()
    {
        using var client = server.Client();
        await server.Plane.RestartApiServerAsync(Token);

        var refusal = await Should.ThrowAsync<KubernetesException>(async () =>
        {
            await foreach (var received in client.WatchAsync<V1ConfigMap>(
                new WatchQuery(new ListQuery(), "1", TimeSpan.FromSeconds(10)), Token))
            {
                received.Type.ShouldNotBe(WatchEventType.Bookmark);
            }
        });

        refusal.IsExpired.ShouldBeTrue(refusal.Message);
    }

    [Fact]
    public async Task The_server_sends_bookmarks_and_ends_a_watch_in_time()
    {
        using var client = server.Client();
        var list = await client.ListAsync<V1ConfigMap>(new ListQuery { ResourceVersion = "0" }, Token);
        var nothing = new ListQuery { FieldSelector = "metadata.name=no-such-name" };
        var query = new WatchQuery(nothing, list.ResourceVersion, TimeSpan.FromSeconds(8));
        var seen = new List<WatchEvent<V1ConfigMap>>();
        await MakeHomeAsync(client);
        var other = client.CreateAsync(Map("unrelated"), Token);

        await foreach (var received in client.WatchAsync<V1ConfigMap>(query, Token))
        {
            seen.Add(received);
        }

        _ = await other;
        seen.ShouldNotBeEmpty();
        seen.ShouldAllBe(received => received.Type == WatchEventType.Bookmark && received.Entity.Metadata.ResourceVersion != null);
    }

    private V1ConfigMap Map(string name) => new() { Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = _home } };

    private Task<V1Namespace> MakeHomeAsync(KubernetesClient client) =>
        client.CreateAsync(new V1Namespace { Metadata = new V1ObjectMeta { Name = _home } }, Token);

    /// <summary>A cache of an own namespace that holds these objects, behind a proxy.</summary>
    private async Task<Trial> StartAsync(WatchSettings settings, params string[] names)
    {
        var trial = new Trial(server, _home, settings);
        _ = await MakeHomeAsync(trial.Direct);
        foreach (var name in names)
        {
            _ = await trial.Direct.CreateAsync(Map(name), Token);
        }

        trial.Start();
        foreach (var _ in names)
        {
            (await trial.NextAsync()).ShouldStartWith("Added");
        }

        // The list may be served before the watch is open: a change in between is not lost, but a cut then would hit nothing.
        await Eventually.TrueAsync(() => trial.Cache.IsSynced, "the list");
        return trial;
    }

    private sealed class Trial : IAsyncDisposable
    {
        private readonly CancellationTokenSource _end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        private readonly WatchMetrics _metrics = new();
        private readonly KubernetesClient _client;
        private readonly ResourceSubscription<V1ConfigMap> _subscription;
        private Task _run = Task.CompletedTask;

        public Trial(RealApiServer server, string home, WatchSettings settings)
        {
            Proxy = server.Proxy();
            Direct = server.Client();
            _client = server.Client(Proxy);
            // The server's own controllers put a map of certificates into each namespace when they run.
            var selection = new ListQuery { Namespace = home, FieldSelector = "metadata.name!=kube-root-ca.crt" };
            Cache = new ResourceCache<V1ConfigMap>(_client, selection, _metrics, NullLogger.Instance, settings);
            _subscription = Cache.Subscribe();
        }

        public FaultProxy Proxy { get; }

        public KubernetesClient Direct { get; }

        public ResourceCache<V1ConfigMap> Cache { get; }

        public void Start() => _run = Cache.RunAsync(_end.Token);

        public async Task<string> NextAsync()
        {
            var change = await _subscription.Changes.NextAsync();
            return $"{change.Kind} {change.Entity.Metadata.Name}";
        }

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await _run;
            _subscription.Dispose();
            _client.Dispose();
            Direct.Dispose();
            _metrics.Dispose();
            _end.Dispose();
            await Proxy.DisposeAsync();
        }
    }
}
