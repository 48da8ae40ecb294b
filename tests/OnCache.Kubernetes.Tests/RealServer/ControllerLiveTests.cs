using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Controllers;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Resilience;
using OnCache.Kubernetes.Tests.Fakes;
using OnCache.Kubernetes.Watching;

namespace OnCache.Kubernetes.Tests.RealServer;

using Result = ReconciliationResult<Widget>;

[Collection(RealServerTests.Name)]
public sealed class ControllerLiveTests(RealApiServer server)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_object_is_made_ready_and_finalized_before_it_goes()
    {
        using var client = server.Client();
        var name = await CreateAsync(client);
        await using var trial = new Trial(client, name);

        await trial.IsAsync(widget => widget?.Status?.Phase == "Ready", "ready");
        (await client.GetAsync<Widget>(name, Token))!.Metadata.Finalizers.ShouldBe(["tests.example.com/clean"]);

        _ = await client.DeleteAsync<Widget>(name, cancellationToken: Token);
        await trial.IsAsync(widget => widget?.Metadata.DeletionTimestamp is not null && trial.Finalizations > 0, "held by its finalizer");
        trial.MayGo = true;
        await trial.IsAsync(widget => widget is null, "gone");

        await Eventually.TrueAsync(() => trial.Deletions == 1, "the report of its end");
    }

    [Fact]
    public async Task A_storm_of_conflicts_ends_in_the_wanted_state()
    {
        using var client = server.Client();
        var name = await CreateAsync(client);
        await using var trial = new Trial(client, name);

        // Every write of another makes the version in the controller's hands an old one.
        for (var number = 1; number <= 100; number++)
        {
            var label = new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["n"] = $"{number}" } } };
            _ = await client.PatchAsync<Widget>(name, label, Token);
        }

        await trial.IsAsync(widget => widget?.Status?.Phase == "Ready", "ready");
        trial.MayGo = true;
        _ = await client.DeleteAsync<Widget>(name, cancellationToken: Token);
        await trial.IsAsync(widget => widget is null, "gone");
    }

    [Fact]
    public async Task An_object_deleted_while_no_controller_ran_is_finalized_by_the_next()
    {
        using var client = server.Client();
        var name = await CreateAsync(client);
        await using (var first = new Trial(client, name))
        {
            await first.IsAsync(widget => widget?.Status?.Phase == "Ready", "ready");
        }

        _ = await client.DeleteAsync<Widget>(name, cancellationToken: Token);
        (await client.GetAsync<Widget>(name, Token)).ShouldNotBeNull();

        await using var second = new Trial(client, name) { MayGo = true };
        await second.IsAsync(widget => widget is null, "gone");
    }

    private static async Task<NamespacedName> CreateAsync(KubernetesClient client)
    {
        var name = new NamespacedName("default", $"t{Guid.NewGuid():N}");
        var metadata = new V1ObjectMeta { Name = name.Name, NamespaceProperty = name.Namespace };
        _ = await client.CreateAsync(new Widget { Metadata = metadata }, Token);
        return name;
    }

    /// <summary>A controller of one widget, which makes it ready and lets it go when it may.</summary>
    private sealed class Trial : IAsyncDisposable, IEntityController<Widget>, IEntityFinalizer<Widget>
    {
        private readonly CancellationTokenSource _end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        private readonly WatchMetrics _watchMetrics = new();
        private readonly ControllerMetrics _metrics = new();
        private readonly KubernetesClient _client;
        private readonly NamespacedName _name;
        private readonly ControllerHost<Widget> _host;
        private readonly Task _run;

        public Trial(KubernetesClient client, NamespacedName name)
        {
            _client = client;
            _name = name;
            var selection = new ListQuery { Namespace = name.Namespace, FieldSelector = $"metadata.name={name.Name}" };
            var cache = new ResourceCache<Widget>(client, selection, _watchMetrics, NullLogger.Instance);
            _host = new ControllerHost<Widget>(
                cache,
                this,
                [new FinalizerRegistration<Widget>("tests.example.com/clean", this)],
                client,
                _metrics,
                NullLogger.Instance,
                new ControllerSettings<Widget> { Backoff = new Backoff(TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(100)) });
            _run = Task.WhenAll(cache.RunAsync(_end.Token), _host.RunAsync(_end.Token));
        }

        public bool MayGo { get; set; }

        public int Finalizations { get; private set; }

        public int Deletions { get; private set; }

        public async Task IsAsync(Func<Widget?, bool> condition, string what)
        {
            for (var tries = 0; !condition(await _client.GetAsync<Widget>(_name, Token)); tries++)
            {
                tries.ShouldBeLessThan(1000, what);
                await Task.Delay(20, Token);
            }
        }

        public async Task<Result> ReconcileAsync(Widget entity, CancellationToken cancellationToken)
        {
            if (entity.Status?.Phase == "Ready")
            {
                return Result.Success(entity);
            }

            // With the version: against an object that changed meanwhile it must fail and come again.
            var ready = await _client.UpdateStatusAsync(entity with { Status = new WidgetStatus { Phase = "Ready" } }, cancellationToken);
            return Result.Success(ready);
        }

        public Task<Result> DeletedAsync(Widget entity, CancellationToken cancellationToken)
        {
            Deletions++;
            return Task.FromResult(Result.Success(entity));
        }

        public Task<Result> FinalizeAsync(Widget entity, CancellationToken cancellationToken)
        {
            Finalizations++;
            return Task.FromResult(MayGo ? Result.Success(entity) : Result.Failure(entity, "not yet"));
        }

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await _run;
            _host.Dispose();
            _metrics.Dispose();
            _watchMetrics.Dispose();
            _end.Dispose();
        }
    }
}
