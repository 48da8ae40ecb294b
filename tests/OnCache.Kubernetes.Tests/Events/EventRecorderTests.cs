using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Kubernetes.Events;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Tests.Fakes;

namespace OnCache.Kubernetes.Tests.Events;

public sealed class EventRecorderTests
{
    [Fact]
    public async Task An_event_names_its_object_and_repetitions_become_a_series()
    {
        await using var server = await FakeApiServer.StartAsync();
        server.Otherwise = Answer.Json(new Eventsv1Event());
        using var client = server.Client();
        var time = new ManualTime();
        using var recorder = new EventRecorder(client, "example.com/tests", "pod-1", NullLogger.Instance, time);

        for (var times = 0; times < 3; times++)
        {
            await recorder.PublishAsync(Samples.Map("a"), "Broken", "It broke", EventType.Warning, TestContext.Current.CancellationToken);
        }

        var requests = server.Requests;
        requests.Count.ShouldBe(2);
        requests[0].Path.ShouldBe("/apis/events.k8s.io/v1/namespaces/default/events");
        requests[0].Body.ShouldContain(
            "\"regarding\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"namespace\":\"default\",\"name\":\"a\",\"uid\":\"uid-a\"}");
        requests[0].Body.ShouldContain("\"eventTime\":\"2026-01-01T00:00:00.000000Z\"");
        requests[1].Method.ShouldBe("PATCH");
        requests[1].Body.ShouldBe("""{"series":{"count":2,"lastObservedTime":"2026-01-01T00:00:00.000000Z"}}""");
    }

    [Fact]
    public async Task A_long_note_is_cut_and_a_cluster_scoped_object_has_its_events_in_kube_system()
    {
        await using var server = await FakeApiServer.StartAsync(Answer.Json(new Eventsv1Event()));
        using var client = server.Client();
        using var recorder = new EventRecorder(client, "c", "i", NullLogger.Instance);

        await recorder.PublishAsync(
            new V1Node { Metadata = new V1ObjectMeta { Name = "n", Uid = "u" } },
            "Long",
            new string('x', 2000),
            cancellationToken: TestContext.Current.CancellationToken);

        server.Requests.Single().Path.ShouldBe("/apis/events.k8s.io/v1/namespaces/kube-system/events");
        server.Requests.Single().Body.ShouldContain($"\"note\":\"{new string('x', 1021)}...\"");
    }

    [Fact]
    public async Task A_server_that_does_not_answer_holds_no_one_up_for_long()
    {
        await using var server = await FakeApiServer.StartAsync();
        server.Otherwise = Answer.Silence;
        using var client = server.Client();
        var time = new ManualTime();
        using var recorder = new EventRecorder(client, "c", "i", NullLogger.Instance, time);

        var first = recorder.PublishAsync(Samples.Map("a"), "R", "one", cancellationToken: TestContext.Current.CancellationToken);
        var second = recorder.PublishAsync(Samples.Map("a"), "R", "two", cancellationToken: TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => server.Requests.Count == 1, "the first");
        time.Advance(TimeSpan.FromSeconds(5));

        await Task.WhenAll(first, second).InTimeAsync();
    }

    [Fact]
    public async Task A_server_that_takes_no_events_is_not_in_the_way()
    {
        await using var server = await FakeApiServer.StartAsync(Answer.Status(403, "Forbidden", "no"), Answer.Json(new Eventsv1Event()));
        using var client = server.Client();
        using var recorder = new EventRecorder(client, "c", "i", NullLogger.Instance);

        await recorder.PublishAsync(Samples.Map("a"), "R", "n", cancellationToken: TestContext.Current.CancellationToken);
        await recorder.PublishAsync(Samples.Map("a"), "R", "n", cancellationToken: TestContext.Current.CancellationToken);

        server.Requests.Select(request => request.Method).ShouldBe(["POST", "POST"]);
    }
}
