using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Controllers;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Resilience;
using OnCache.Kubernetes.Tests.Fakes;
using OnCache.Kubernetes.Watching;

namespace OnCache.Kubernetes.Tests.Controllers;

using Result = ReconciliationResult<V1ConfigMap>;

public sealed class ControllerHostTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static readonly V1ConfigMap Dying = Samples.Map("a") with
    {
        Metadata = Samples.Map("a").Metadata with { DeletionTimestamp = DateTimeOffset.UnixEpoch, Finalizers = ["other", "tests/f"] },
    };

    [Fact]
    public async Task Objects_are_reconciled_and_their_end_is_reported()
    {
        await using var trial = await Trial.StartAsync(
            [Samples.Map("a")],
            Answer.Event("ADDED", Samples.Map("b", "2")),
            Answer.Event("DELETED", Samples.Map("a", "3")));

        // That "a" was ever there may be noticed or not.
        var calls = new HashSet<string>();
        while (!calls.IsSupersetOf(["reconcile b 2", "deleted a 3"]))
        {
            _ = calls.Add(await trial.NextAsync());
        }

        calls.Remove("reconcile a 1");
        calls.Count.ShouldBe(2);
    }

    [Fact]
    public async Task An_object_made_anew_under_its_old_name_is_first_reported_as_deleted()
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var trial = await Trial.StartAsync(
            [Samples.Map("a", uid: "old")],
            reconcile: async map =>
            {
                reached.TrySetResult();
                await goOn.Task;
                return Result.Success(map);
            },
            events: [Answer.Event("MODIFIED", Samples.Map("a", "2", uid: "new"))],
            eventsAfter: reached.Task);
        await reached.Task.InTimeAsync();
        await Eventually.TrueAsync(
            () => trial.Cache.Snapshot.Values.Single().Metadata.Uid == "new", "the new object");
        goOn.SetResult();

        (await trial.NextAsync()).ShouldBe("reconcile a 1");
        (await trial.NextAsync()).ShouldBe("deleted a 1");
        (await trial.NextAsync()).ShouldBe("reconcile a 2");
    }

    [Fact]
    public async Task An_object_made_anew_waits_until_the_end_of_the_old_one_is_heard()
    {
        var (firstRound, heard) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await using var trial = await Trial.StartAsync(
            [Samples.Map("a", uid: "old"), Samples.Map("b")],
            settings: new ControllerSettings<V1ConfigMap>
            {
                Workers = 1,
                Filter = change =>
                {
                    if (change.Kind == ChangeKind.Modified)
                    {
                        heard.Task.Wait(Token);
                    }

                    return true;
                },
            },
            events:
            [
                Answer.Event("MODIFIED", Samples.Map("a", "2", uid: "old")),
                Answer.Event("MODIFIED", Samples.Map("a", "3", uid: "new")),
            ],
            eventsAfter: firstRound.Task);
        await Eventually.TrueAsync(
            () => trial.Measured.Sum("kubernetes.controller.reconciliations", "success") == 2, "the first round");
        firstRound.SetResult();
        await Eventually.TrueAsync(
            () => trial.Cache.Snapshot.Values.Any(map => map.Metadata.Uid == "new"), "the new object");

        // The one worker takes them in this order, so that "b" shows that it is done with "a".
        trial.Host.Enqueue(new("default", "a"));
        trial.Host.Enqueue(new("default", "b"));
        var calls = new List<string>();
        while (calls.Count(call => call == "reconcile b 1") < 2)
        {
            calls.Add(await trial.NextAsync());
        }

        calls.ShouldNotContain("reconcile a 3");
        heard.SetResult();
        while (calls[^1] != "reconcile a 3")
        {
            calls.Add(await trial.NextAsync());
        }

        calls[^2].ShouldBe("deleted a 2");
    }

    [Fact]
    public async Task An_exception_or_a_failure_leads_to_another_call_and_harms_no_other_object()
    {
        var calls = new ConcurrentDictionary<string, int>();
        await using var trial = await Trial.StartAsync(
            [Samples.Map("throws"), Samples.Map("fails"), Samples.Map("conflicts"), Samples.Map("fine")],
            map => (map.Metadata.Name, calls.AddOrUpdate(map.Metadata.Name!, 1, (_, count) => count + 1)) switch
            {
                ("throws", < 3) => throw new InvalidOperationException("trouble"),
                ("fails", < 3) => Task.FromResult(Result.Failure(map, "trouble")),
                ("conflicts", < 3) => throw new KubernetesException(StatusReason.Conflict, "trouble"),
                _ => Task.FromResult(Result.Success(map)),
            });

        await Eventually.TrueAsync(
            () => calls.Count == 4 && calls.Where(call => call.Key != "fine").All(call => call.Value == 3),
            "three calls of those in trouble");
        calls["fine"].ShouldBe(1);
        await Eventually.TrueAsync(() => trial.Measured.Sum("kubernetes.controller.reconciliations", "success") == 4, "four successes");
        foreach (var outcome in (string[])["exception", "failure", "conflict"])
        {
            trial.Measured.Sum("kubernetes.controller.reconciliations", outcome).ShouldBe(2);
        }

        trial.Measured.Read("kubernetes.controller.queue").ShouldBe(0);
    }

    [Fact]
    public async Task Success_with_a_time_comes_back()
    {
        var calls = 0;
        await using var trial = await Trial.StartAsync(
            [Samples.Map("a")],
            map => Task.FromResult(Result.Success(map, ++calls < 3 ? TimeSpan.FromMilliseconds(1) : null)));

        await Eventually.TrueAsync(() => calls == 3, "three calls");
    }

    [Fact]
    public async Task What_the_filter_refuses_is_not_reconciled_but_what_is_asked_for_is()
    {
        await using var trial = await Trial.StartAsync(
            [Samples.Map("skipped"), Samples.Map("taken")],
            settings: new ControllerSettings<V1ConfigMap> { Filter = change => change.Entity.Metadata.Name != "skipped" });

        (await trial.NextAsync()).ShouldBe("reconcile taken 1");
        trial.Host.Enqueue(new("default", "skipped"));
        (await trial.NextAsync()).ShouldBe("reconcile skipped 1");
    }

    [Fact]
    public async Task A_filter_that_throws_lets_the_change_pass()
    {
        await using var trial = await Trial.StartAsync(
            [Samples.Map("a")],
            settings: new ControllerSettings<V1ConfigMap> { Filter = _ => throw new InvalidOperationException("trouble") });

        (await trial.NextAsync()).ShouldBe("reconcile a 1");
    }

    [Fact]
    public async Task A_finalizer_is_noted_with_the_version_before_the_first_reconciliation()
    {
        var noted = Samples.Map("a", "2") with { Metadata = Samples.Map("a", "2").Metadata with { Finalizers = ["tests/f"] } };
        await using var trial = await Trial.StartAsync([Samples.Map("a")], finalize: Result.Success(Dying), patch: Answer.Json(noted));

        (await trial.NextAsync()).ShouldBe("reconcile a 2");
        trial.Patches.Single().Body.ShouldBe("""{"metadata":{"resourceVersion":"1","finalizers":["tests/f"]}}""");
    }

    [Fact]
    public async Task A_finalizer_that_is_done_is_struck_off_and_others_stay()
    {
        await using var trial = await Trial.StartAsync([Dying], finalize: Result.Success(Dying), patch: Answer.Json(Samples.Map("a", "2")));

        (await trial.NextAsync()).ShouldBe("finalize a 1");
        await Eventually.TrueAsync(() => trial.Patches.Count == 1, "the patch");
        trial.Patches.Single().Body.ShouldBe("""{"metadata":{"resourceVersion":"1","finalizers":["other"]}}""");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_finalizer_that_is_not_done_keeps_the_object_and_is_called_again(bool failed)
    {
        var result = failed
            ? Result.Failure(Dying, "not yet")
            : Result.Success(Dying, TimeSpan.FromMilliseconds(1));
        await using var trial = await Trial.StartAsync([Dying], finalize: result);

        (await trial.NextAsync()).ShouldBe("finalize a 1");
        (await trial.NextAsync()).ShouldBe("finalize a 1");
        trial.Patches.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_conflict_in_noting_a_finalizer_is_tried_again_in_its_next_state()
    {
        await using var trial = await Trial.StartAsync(
            [Samples.Map("a")],
            finalize: Result.Success(Dying),
            patch: Answer.Status(409, "Conflict", "modified"));

        await Eventually.TrueAsync(() => trial.Patches.Count > 2, "more tries");
    }

    [Fact]
    public async Task Calls_in_progress_are_waited_for()
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ended = false;
        var trial = await Trial.StartAsync(
            [Samples.Map("a")],
            async map =>
            {
                reached.SetResult();
                await Task.Delay(50, CancellationToken.None);
                ended = true;
                return Result.Success(map);
            });
        await reached.Task.InTimeAsync();

        await trial.DisposeAsync();

        ended.ShouldBeTrue();
    }

    /// <summary>A host at work on a scripted server, and its calls as text.</summary>
    private sealed class Trial : IAsyncDisposable, IEntityController<V1ConfigMap>, IEntityFinalizer<V1ConfigMap>
    {
        private readonly Channel<string> _calls = Channel.CreateUnbounded<string>();
        private readonly CancellationTokenSource _end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        private readonly WatchMetrics _watchMetrics = new();
        private readonly ControllerMetrics _metrics = new();
        private readonly Func<V1ConfigMap, Task<Result>>? _reconcile;
        private readonly Result? _finalize;
        private readonly FakeApiServer _server;
        private readonly KubernetesClient _client;
        private readonly Task _run;

        private Trial(
            FakeApiServer server,
            Func<V1ConfigMap, Task<Result>>? reconcile,
            Result? finalize,
            ControllerSettings<V1ConfigMap>? settings)
        {
            _server = server;
            _reconcile = reconcile;
            _finalize = finalize;
            _client = server.Client();
            Cache = new ResourceCache<V1ConfigMap>(_client, new ListQuery(), _watchMetrics, NullLogger.Instance);
            Host = new ControllerHost<V1ConfigMap>(
                Cache,
                this,
                finalize is null ? [] : [new FinalizerRegistration<V1ConfigMap>("tests/f", this)],
                _client,
                _metrics,
                NullLogger.Instance,
                (settings ?? new ControllerSettings<V1ConfigMap>()) with
                {
                    Backoff = new Backoff(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(10)),
                });
            Measured = new Measured(_metrics.Meter);
            _run = Task.WhenAll(Cache.RunAsync(_end.Token), Host.RunAsync(_end.Token));
        }

        public ResourceCache<V1ConfigMap> Cache { get; }

        public ControllerHost<V1ConfigMap> Host { get; }

        public Measured Measured { get; }

        public IReadOnlyList<RecordedRequest> Patches => [.. _server.Requests.Where(request => request.Method == "PATCH")];

        public static Task<Trial> StartAsync(V1ConfigMap[] objects, params string[] events) =>
            StartAsync(objects, reconcile: null, events: events);

        public static async Task<Trial> StartAsync(
            V1ConfigMap[] objects,
            Func<V1ConfigMap, Task<Result>>? reconcile = null,
            Result? finalize = null,
            RequestDelegate? patch = null,
            ControllerSettings<V1ConfigMap>? settings = null,
            string[]? events = null,
            Task? eventsAfter = null)
        {
            var server = await FakeApiServer.StartAsync();
            var list = Answer.List("1", objects);
            var watch = Answer.WatchThenSilence(eventsAfter ?? Task.CompletedTask, events ?? []);
            server.Otherwise = context => context.Request switch
            {
                { Method: "PATCH" } => patch!(context),
                { Query: var query } when query.ContainsKey("watch") => watch(context),
                _ => list(context),
            };
            return new Trial(server, reconcile, finalize, settings);
        }

        public Task<string> NextAsync() => _calls.Reader.NextAsync();

        public Task<Result> ReconcileAsync(V1ConfigMap entity, CancellationToken cancellationToken)
        {
            Note("reconcile", entity);
            return _reconcile?.Invoke(entity) ?? Task.FromResult(Result.Success(entity));
        }

        public Task<Result> DeletedAsync(V1ConfigMap entity, CancellationToken cancellationToken)
        {
            Note("deleted", entity);
            return Task.FromResult(Result.Success(entity));
        }

        public Task<Result> FinalizeAsync(V1ConfigMap entity, CancellationToken cancellationToken)
        {
            Note("finalize", entity);
            return Task.FromResult(_finalize!);
        }

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await _run;
            Host.Dispose();
            Measured.Dispose();
            _client.Dispose();
            _metrics.Dispose();
            _watchMetrics.Dispose();
            _end.Dispose();
            await _server.DisposeAsync();
        }

        private void Note(string call, V1ConfigMap entity) =>
            _calls.Writer.TryWrite($"{call} {entity.Metadata.Name} {entity.Metadata.ResourceVersion}");
    }
}
