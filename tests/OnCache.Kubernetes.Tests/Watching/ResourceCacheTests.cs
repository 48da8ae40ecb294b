using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Resilience;
using OnCache.Kubernetes.Tests.Fakes;
using OnCache.Kubernetes.Watching;

namespace OnCache.Kubernetes.Tests.Watching;

public sealed class ResourceCacheTests
{
    private static readonly WatchSettings Quick = new()
    {
        Backoff = new Backoff(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(10)),
    };

    [Fact]
    public async Task A_list_and_the_events_after_it_become_changes_in_order()
    {
        await using var server = await FakeApiServer.StartAsync(
            Answer.List("5", Samples.Map("a")),
            Answer.WatchThenSilence(
                Answer.Event("ADDED", Samples.Map("b", "6")),
                Answer.Event("MODIFIED", Samples.Map("a", "7")),
                Answer.Event("DELETED", Samples.Map("b", "8"))));
        await using var following = Following.Start(server, Quick, new ListQuery { Namespace = "default", LabelSelector = "x=y" });

        (await following.NextAsync()).ShouldBe("Added a 1");
        (await following.NextAsync()).ShouldBe("Added b 6");
        (await following.NextAsync()).ShouldBe("Modified a 7");
        (await following.NextAsync()).ShouldBe("Deleted b 8");
        following.Cache.IsSynced.ShouldBeTrue();
        following.Cache.Snapshot.Keys.ShouldBe([new NamespacedName("default", "a")]);
        following.Cache.Find(new NamespacedName("default", "a"))!.Metadata.ResourceVersion.ShouldBe("7");
        server.Requests[0].Query["resourceVersion"].ShouldBe("0");
        var watch = server.Requests[1].Query;
        watch["watch"].ShouldBe("true");
        watch["allowWatchBookmarks"].ShouldBe("true");
        watch["resourceVersion"].ShouldBe("5");
        watch["labelSelector"].ShouldBe("x=y");
        int.Parse(watch["timeoutSeconds"], null).ShouldBe(300);
    }

    [Fact]
    public async Task Lists_in_pages_come_from_the_store_also_after_a_gap()
    {
        await using var server = await FakeApiServer.StartAsync(
            Answer.List("5", Samples.Map("a")),
            Answer.Watch(Answer.Expired),
            Answer.List("9", Samples.Map("a"), Samples.Map("b", "8")),
            Answer.WatchThenSilence());
        await using var following = Following.Start(server, Quick with { ListsInPages = true });

        (await following.NextAsync()).ShouldBe("Added a 1");
        (await following.NextAsync()).ShouldBe("Added b 8");
        foreach (var list in server.Requests.Where(request => !request.Query.ContainsKey("watch")))
        {
            list.Query.ContainsKey("resourceVersion").ShouldBeFalse();
            list.Query["limit"].ShouldBe("500");
        }
    }

    [Fact]
    public async Task What_is_trimmed_is_not_kept_and_versions_are_followed_all_the_same()
    {
        await using var server = await FakeApiServer.StartAsync(
            Answer.List("5", Samples.Map("a")),
            Answer.Watch(Answer.Event("ADDED", Samples.Map("b", "6"))),
            Answer.WatchThenSilence(Answer.Event("ADDED", Samples.Map("c", "7"))));
        await using var following = Following.Start(
            server,
            Quick,
            trim: map => map with { Metadata = new V1ObjectMeta { Name = map.Metadata.Name, NamespaceProperty = map.Metadata.NamespaceProperty } });

        (await following.NextAsync()).ShouldBe("Added a ");
        (await following.NextAsync()).ShouldBe("Added b ");
        (await following.NextAsync()).ShouldBe("Added c ");
        following.Cache.Snapshot.Values.ShouldAllBe(map => map.Metadata.Uid == null);
        server.Requests[2].Query["resourceVersion"].ShouldBe("6");
    }

    [Fact]
    public async Task An_observer_hears_each_message_once_and_knows_a_list_from_an_event()
    {
        await using var server = await FakeApiServer.StartAsync(
            Answer.List("5", Samples.Map("a")),
            Answer.Watch(Answer.Event("ADDED", Samples.Map("b", "6")), Answer.Expired),
            Answer.List("9", Samples.Map("a"), Samples.Map("b", "6")),
            Answer.WatchThenSilence(Answer.Event("MODIFIED", Samples.Map("a", "10"))));
        await using var following = Following.Start(server, Quick);
        foreach (var _ in Enumerable.Range(0, 3))
        {
            await following.NextAsync();
        }

        following.Updates.ShouldBe(["list: Added a", "event: Added b", "list:", "event: Modified a"]);
    }

    [Fact]
    public async Task A_watch_cut_within_a_line_goes_on_after_the_last_whole_event()
    {
        var cut = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FakeApiServer.StartAsync(
            Answer.List("5"),
            Answer.WatchThenCut(
                [Answer.Event("ADDED", Samples.Map("a", "6"))],
                """{"type":"ADDED","object":{"metadata":{"name":"hal""", cut.Task),
            Answer.WatchThenSilence(Answer.Event("ADDED", Samples.Map("b", "7"))));
        await using var following = Following.Start(server, Quick);

        (await following.NextAsync()).ShouldBe("Added a 6");
        cut.SetResult();
        (await following.NextAsync()).ShouldBe("Added b 7");
        server.Requests[2].Query["resourceVersion"].ShouldBe("6");
    }

    [Fact]
    public async Task A_line_cut_by_a_proper_end_is_not_an_event()
    {
        await using var server = await FakeApiServer.StartAsync(
            Answer.List("5"),
            Answer.Text(200, Answer.Event("ADDED", Samples.Map("half", "6"))),
            Answer.WatchThenSilence(Answer.Event("ADDED", Samples.Map("b", "7"))));
        await using var following = Following.Start(server, Quick);

        (await following.NextAsync()).ShouldBe("Added b 7");
        server.Requests[2].Query["resourceVersion"].ShouldBe("5");
    }

    [Fact]
    public async Task A_bookmark_moves_the_version_and_nothing_else()
    {
        await using var server = await FakeApiServer.StartAsync(
            Answer.List("5"),
            Answer.Watch(Answer.Bookmark("90")),
            Answer.WatchThenSilence(Answer.Event("ADDED", Samples.Map("b", "91"))));
        await using var following = Following.Start(server, Quick);

        (await following.NextAsync()).ShouldBe("Added b 91");
        server.Requests[2].Query["resourceVersion"].ShouldBe("90");
        server.Requests.Count(request => !request.Query.ContainsKey("watch")).ShouldBe(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_version_too_old_leads_to_a_new_list_and_late_deletions(bool asResponse)
    {
        await using var server = await FakeApiServer.StartAsync(
            Answer.List("5", Samples.Map("a"), Samples.Map("b")),
            asResponse ? Answer.Status(410, "Gone", "too old") : Answer.Watch(Answer.Expired),
            Answer.List("9", Samples.Map("b", "8")),
            Answer.WatchThenSilence());
        await using var following = Following.Start(server, Quick);

        (await following.NextAsync()).ShouldStartWith("Added");
        (await following.NextAsync()).ShouldStartWith("Added");
        (await following.NextAsync()).ShouldBe("Deleted a 1");
        (await following.NextAsync()).ShouldBe("Modified b 8");
        await Eventually.TrueAsync(() => server.Requests.Count == 4, "the watch after the list");
        server.Requests[2].Query["resourceVersion"].ShouldBe("5");
        server.Requests[3].Query["resourceVersion"].ShouldBe("9");
    }

    [Theory]
    // The store was restored from a backup: its versions are lower now.
    [InlineData(504, "Timeout", "Too large resource version: 500, current: 9")]
    [InlineData(410, "Expired", "The provided resource version is too old")]
    [InlineData(410, "Gone", "The resource version is no longer available")]
    public async Task A_version_the_server_cannot_serve_any_more_leads_to_the_store(int code, string reason, string message)
    {
        await using var server = await FakeApiServer.StartAsync(
            Answer.List("500", Samples.Map("a")),
            Answer.Watch(Answer.Expired),
            Answer.Status(code, reason, message),
            Answer.List("9", Samples.Map("a", "9")),
            Answer.WatchThenSilence());
        await using var following = Following.Start(server, Quick, retries: 0);

        (await following.NextAsync()).ShouldBe("Added a 1");
        (await following.NextAsync()).ShouldBe("Modified a 9");
        server.Requests[3].Query.ContainsKey("resourceVersion").ShouldBeFalse();
    }

    [Fact]
    public async Task A_watch_that_hangs_in_silence_is_replaced()
    {
        await using var server = await FakeApiServer.StartAsync(
            Answer.List("5"),
            Answer.WatchThenSilence(Answer.Event("ADDED", Samples.Map("a", "6"))),
            Answer.WatchThenSilence(Answer.Event("ADDED", Samples.Map("b", "7"))));
        await using var following = Following.Start(
            server,
            Quick with { Duration = TimeSpan.FromMilliseconds(50), Grace = TimeSpan.FromMilliseconds(50) });

        (await following.NextAsync()).ShouldBe("Added a 6");
        (await following.NextAsync()).ShouldBe("Added b 7");
        server.Requests[2].Query["resourceVersion"].ShouldBe("6");
    }

    [Fact]
    public async Task Faults_of_every_kind_are_outlived()
    {
        await using var server = await FakeApiServer.StartAsync(
            Answer.Status(403, "Forbidden", "not yet"),
            Answer.Reset,
            Answer.List("5", Samples.Map("a")),
            Answer.Status(403, "Forbidden", "no watch"),
            Answer.Busy(429, "0"),
            Answer.Watch("this is not json"),
            Answer.Watch("""{"type":"NEWS","object":{}}"""),
            Answer.Watch(Answer.Event("ERROR", new { kind = "Status", status = "Failure", reason = "InternalError", code = 500 })),
            Answer.Watch(),
            Answer.WatchThenSilence(Answer.Event("ADDED", Samples.Map("b", "6"))));
        await using var following = Following.Start(server, Quick, retries: 0);

        (await following.NextAsync()).ShouldBe("Added a 1");
        (await following.NextAsync()).ShouldBe("Added b 6");
        server.Requests.Count(request => !request.Query.ContainsKey("watch")).ShouldBe(3);
    }

    [Fact]
    public async Task Connections_that_end_at_once_are_not_hammered()
    {
        await using var server = await FakeApiServer.StartAsync(Answer.List("5"));
        server.Otherwise = Answer.Watch();
        var time = new ManualTime();
        await using var following = Following.Start(
            server,
            new WatchSettings { Backoff = new Backoff(TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(1)) },
            time: time);

        for (var tries = 1; tries <= 3; tries++)
        {
            var expected = tries + 1;
            var wait = TimeSpan.FromSeconds(1 << (tries - 1));
            await Eventually.TrueAsync(
                () => server.Requests.Count == expected && time.IsWaitingFor(wait),
                $"try {tries}, then a wait of {wait}");
            time.Advance(wait);
        }
    }

    [Fact]
    public async Task A_watch_that_is_not_answered_is_given_up()
    {
        await using var server = await FakeApiServer.StartAsync(Answer.List("5"), Answer.Silence);
        server.Otherwise = Answer.WatchThenSilence(Answer.Event("ADDED", Samples.Map("b", "6")));
        var time = new ManualTime();
        await using var following = Following.Start(server, Quick, time: time);

        await Eventually.TrueAsync(() => server.Requests.Count == 2, "the watch");
        await Eventually.TrueAsync(
            () =>
            {
                // First the limit of the answer, then the wait after the failure.
                time.Advance(TimeSpan.FromSeconds(1));
                return server.Requests.Count > 2;
            },
            "the next watch");

        (await following.NextAsync()).ShouldBe("Added b 6");
    }

    [Fact]
    public async Task A_kind_that_the_server_does_not_have_any_more_has_no_objects_until_it_is_back()
    {
        await using var server = await FakeApiServer.StartAsync(Answer.List("5", Samples.Map("a")));
        server.Otherwise = Answer.Text(404, "404 page not found");
        var time = new ManualTime();
        await using var following = Following.Start(server, new WatchSettings { Backoff = new Backoff(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2)) }, time: time);
        (await following.NextAsync()).ShouldBe("Added a 1");

        // A watch, then a list each second. The first of them was refused at the start.
        for (var refused = 1; refused <= 10; refused++)
        {
            var asked = refused + 1;
            await Eventually.TrueAsync(() => server.Requests.Count == asked && time.IsWaitingFor(TimeSpan.FromSeconds(1)), $"refusal {refused}");
            following.Cache.Snapshot.ShouldNotBeEmpty();
            time.Advance(TimeSpan.FromSeconds(1));
        }

        (await following.NextAsync()).ShouldBe("Deleted a 1");
        server.Next(Answer.List("9", Samples.Map("b", "8"))).Next(Answer.WatchThenSilence());
        await Eventually.TrueAsync(() => time.IsWaitingFor(TimeSpan.FromSeconds(1)), "the wait before the next list");
        time.Advance(TimeSpan.FromSeconds(1));
        (await following.NextAsync()).ShouldBe("Added b 8");
        following.Updates.ShouldBe(["list: Added a", "list: Deleted a", "list: Added b"]);
    }

    [Fact]
    public async Task A_server_that_starts_and_does_not_know_a_kind_yet_takes_nothing_away()
    {
        await using var server = await FakeApiServer.StartAsync(
            Answer.List("5", Samples.Map("a")),
            Answer.Text(404, "404 page not found"),
            Answer.Text(404, "404 page not found"),
            Answer.List("5", Samples.Map("a")),
            Answer.WatchThenSilence(Answer.Event("ADDED", Samples.Map("b", "6"))));
        await using var following = Following.Start(server, Quick);

        (await following.NextAsync()).ShouldBe("Added a 1");
        (await following.NextAsync()).ShouldBe("Added b 6");
    }

    [Fact]
    public async Task The_age_of_the_last_event_and_what_happened_are_measured()
    {
        await using var server = await FakeApiServer.StartAsync(
            Answer.List("5"),
            Answer.Watch(Answer.Event("ADDED", Samples.Map("a", "6")), Answer.Expired),
            Answer.List("7", Samples.Map("a", "6")),
            Answer.WatchThenSilence(Answer.Bookmark("8")));
        var time = new ManualTime();
        await using var following = Following.Start(server, Quick, time: time);
        var measured = following.Measured;
        await Eventually.TrueAsync(
            () =>
            {
                // Lets the wait after the expiry pass.
                time.Advance(TimeSpan.FromMilliseconds(10));
                return measured.Sum("kubernetes.watch.events", "Bookmark") == 1;
            },
            "the bookmark");

        time.Advance(TimeSpan.FromSeconds(40));

        measured.Read("kubernetes.watch.event_age").ShouldBeGreaterThanOrEqualTo(40);
        following.Cache.EventAge.ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(40));
        measured.Sum("kubernetes.watch.events", "Added").ShouldBe(1);
        measured.Sum("kubernetes.watch.lists", "start").ShouldBe(1);
        measured.Sum("kubernetes.watch.lists", "expired").ShouldBe(1);
        measured.Sum("kubernetes.watch.ends", "Expired").ShouldBe(1);
    }

    [Fact]
    public async Task A_late_subscriber_begins_with_what_is_there()
    {
        await using var server = await FakeApiServer.StartAsync(
            Answer.List("5", Samples.Map("a"), Samples.Map("b")),
            Answer.WatchThenSilence());
        await using var following = Following.Start(server, Quick);
        await following.Cache.WaitForSyncAsync(TestContext.Current.CancellationToken).InTimeAsync();

        using var late = following.Cache.Subscribe();

        (await late.Changes.NextAsync()).Kind.ShouldBe(ChangeKind.Added);
        (await late.Changes.NextAsync()).Kind.ShouldBe(ChangeKind.Added);
        late.Changes.TryRead(out _).ShouldBeFalse();
    }

    /// <summary>Draws no spread, so that waits are known.</summary>
    private sealed class LowestRandom : Random
    {
        public override double NextDouble() => 0;
    }

    /// <summary>A cache at work, and its changes as text.</summary>
    private sealed class Following : IAsyncDisposable
    {
        private readonly CancellationTokenSource _end =
            CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        private readonly WatchMetrics _metrics = new();
        private readonly KubernetesClient _client;
        private readonly ResourceSubscription<V1ConfigMap> _subscription;
        private readonly Task _run;

        private Following(FakeApiServer server, WatchSettings settings, ListQuery selection, int retries, TimeProvider time, Func<V1ConfigMap, V1ConfigMap>? trim)
        {
            _client = server.Client(existing => existing with { Retries = retries }, time: time);
            Cache = new ResourceCache<V1ConfigMap>(_client, selection, _metrics, NullLogger.Instance, settings, time, new LowestRandom(), trim: trim, observer: Record);
            _subscription = Cache.Subscribe();
            Measured = new Measured(_metrics.Meter);
            _run = Cache.RunAsync(_end.Token);
        }

        public ResourceCache<V1ConfigMap> Cache { get; }

        public Measured Measured { get; }

        /// <summary>What the observer heard, complete as soon as a subscriber hears of it.</summary>
        public List<string> Updates { get; } = [];

        public static Following Start(
            FakeApiServer server,
            WatchSettings settings,
            ListQuery? selection = null,
            int retries = 4,
            TimeProvider? time = null,
            Func<V1ConfigMap, V1ConfigMap>? trim = null) => new(server, settings, selection ?? new ListQuery(), retries, time ?? TimeProvider.System, trim);

        public async Task<string> NextAsync()
        {
            var change = await _subscription.Changes.NextAsync();
            return $"{change.Kind} {change.Entity.Metadata.Name} {change.Entity.Metadata.ResourceVersion}";
        }

        private void Record(ResourceUpdate<V1ConfigMap> update) => Updates.Add(
            $"{(update.Listed ? "list" : "event")}:{string.Concat(update.Changes.Select(static change => $" {change.Kind} {change.Entity.Metadata.Name}"))}");

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await _run;
            _subscription.Dispose();
            Measured.Dispose();
            _client.Dispose();
            _metrics.Dispose();
            _end.Dispose();
        }
    }
}
