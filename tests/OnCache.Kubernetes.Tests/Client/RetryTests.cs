using System.Globalization;
using Microsoft.AspNetCore.Http;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Resilience;
using OnCache.Kubernetes.Tests.Fakes;
using KubernetesClientConfiguration = k8s.KubernetesClientConfiguration;

namespace OnCache.Kubernetes.Tests.Client;

public sealed class RetryTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static readonly NamespacedName Name = new("default", "a");

    public static TheoryData<RequestDelegate> PassingFaults { get; } =
    [
        Answer.Status(500, "InternalError", "oops"),
        Answer.Text(502, "bad gateway"),
        Answer.Status(503, "ServiceUnavailable", "starting"),
        Answer.Status(504, "Timeout", "slow"),
        Answer.Status(429, "TooManyRequests", "slow down"),
        Answer.Reset,
    ];

    [Theory]
    [MemberData(nameof(PassingFaults), DisableDiscoveryEnumeration = true)]
    public async Task A_call_that_may_be_repeated_survives_passing_faults(RequestDelegate fault)
    {
        await using var server = await FakeApiServer.StartAsync(fault, fault, Answer.Json(Samples.Map("a")));
        using var client = server.Client();

        (await client.GetAsync<V1ConfigMap>(Name, Token)).ShouldNotBeNull();
        server.Requests.Count.ShouldBe(3);
    }

    [Fact]
    public async Task The_tries_are_limited()
    {
        await using var server = await FakeApiServer.StartAsync();
        server.Otherwise = Answer.Status(503, "ServiceUnavailable", "starting");
        using var client = server.Client(settings => settings with { Retries = 2 });

        (await Should.ThrowAsync<KubernetesException>(() => client.GetAsync<V1ConfigMap>(Name, Token)))
            .Reason.ShouldBe(StatusReason.ServiceUnavailable);
        server.Requests.Count.ShouldBe(3);
    }

    [Theory]
    [InlineData(400, "BadRequest")]
    [InlineData(403, "Forbidden")]
    [InlineData(409, "Conflict")]
    [InlineData(422, "Invalid")]
    public async Task What_the_server_refuses_is_not_asked_again(int code, string reason)
    {
        await using var server = await FakeApiServer.StartAsync();
        server.Otherwise = Answer.Status(code, reason, "no");
        using var client = server.Client();

        _ = await Should.ThrowAsync<KubernetesException>(() => client.UpdateAsync(Samples.Map("a"), Token));
        server.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_creation_whose_fate_is_unknown_is_not_repeated()
    {
        await using var server = await FakeApiServer.StartAsync(Answer.Reset, Answer.Status(500, "InternalError", "oops"));
        using var client = server.Client();

        (await Should.ThrowAsync<KubernetesException>(() => client.CreateAsync(Samples.Map("a"), Token)))
            .Reason.ShouldBe(StatusReason.Unreachable);
        _ = await Should.ThrowAsync<KubernetesException>(() => client.CreateAsync(Samples.Map("a"), Token));
        server.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_creation_that_was_turned_away_is_repeated()
    {
        await using var server = await FakeApiServer.StartAsync(
            Answer.Busy(429, "0"),
            Answer.Busy(503, "0"),
            Answer.Json(Samples.Map("a"), 201));
        using var client = server.Client();

        _ = await client.CreateAsync(Samples.Map("a"), Token);
        server.Requests.Count.ShouldBe(3);
    }

    [Fact]
    public async Task The_wait_the_server_asks_for_is_kept()
    {
        await using var server = await FakeApiServer.StartAsync(Answer.Busy(429, "7"), Answer.Json(Samples.Map("a")));
        var time = new ManualTime();
        using var client = server.Client(time: time);

        var answer = client.GetAsync<V1ConfigMap>(Name, Token);
        await Eventually.TrueAsync(() => server.Requests.Count == 1 && time.IsWaitingFor(TimeSpan.FromSeconds(7)), "the wait");
        time.Advance(TimeSpan.FromSeconds(7));

        (await answer.InTimeAsync()).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_wait_longer_than_allowed_is_handed_to_the_caller()
    {
        await using var server = await FakeApiServer.StartAsync(Answer.Busy(429, "3600"));
        using var client = server.Client();

        var failure = await Should.ThrowAsync<KubernetesException>(() => client.GetAsync<V1ConfigMap>(Name, Token));

        failure.Reason.ShouldBe(StatusReason.TooManyRequests);
        failure.RetryAfter.ShouldBe(TimeSpan.FromHours(1));
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_given_up_and_told_the_limit()
    {
        await using var server = await FakeApiServer.StartAsync();
        server.Otherwise = Answer.Silence;
        var time = new ManualTime();
        using var client = server.Client(settings => settings with { Retries = 0, RequestTimeout = TimeSpan.FromSeconds(20) }, time: time);

        var answer = client.GetAsync<V1ConfigMap>(Name, Token);
        await Eventually.TrueAsync(() => server.Requests.Count == 1, "the request");
        time.Advance(TimeSpan.FromSeconds(25));

        (await Should.ThrowAsync<KubernetesException>(() => answer.InTimeAsync())).Reason.ShouldBe(StatusReason.Unreachable);
        server.Requests.Single().Query["timeout"].ShouldBe("20s");
    }

    [Fact]
    public async Task A_failure_whose_words_do_not_come_is_given_up()
    {
        await using var server = await FakeApiServer.StartAsync();
        server.Otherwise = Answer.Stalled(503);
        var time = new ManualTime();
        using var client = server.Client(settings => settings with { Retries = 0, RequestTimeout = TimeSpan.FromSeconds(20) }, time: time);
        using var stop = new CancellationTokenSource();

        var answer = client.GetAsync<V1ConfigMap>(Name, Token);
        var watch = client.WatchAsync<V1ConfigMap>(new WatchQuery(new ListQuery(), "1", TimeSpan.FromMinutes(5)), stop.Token).GetAsyncEnumerator(stop.Token).MoveNextAsync().AsTask();
        await Eventually.TrueAsync(() => server.Requests.Count == 2, "the requests");
        time.Advance(TimeSpan.FromSeconds(25));

        (await Should.ThrowAsync<KubernetesException>(() => answer.InTimeAsync())).Reason.ShouldBe(StatusReason.Unreachable);
        await stop.CancelAsync();
        _ = await Should.ThrowAsync<Exception>(() => watch.InTimeAsync());
    }

    [Fact]
    public async Task Nobody_there_is_said_in_one_line()
    {
        using var client = new KubernetesClient(
            new KubernetesClientConfiguration { Host = "http://127.0.0.1:1" },
            new KubernetesClientSettings("tests") { Retries = 0 });

        var failure = await Should.ThrowAsync<KubernetesException>(() => client.GetAsync<V1ConfigMap>(Name, Token));

        failure.Reason.ShouldBe(StatusReason.Unreachable);
        failure.Message.ShouldBe("GET http://127.0.0.1:1/api/v1/namespaces/default/configmaps/a: Connection refused");
    }

    [Fact]
    public void A_date_to_come_back_at_becomes_a_wait()
    {
        var now = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var header = (now + TimeSpan.FromSeconds(20)).ToString("R", CultureInfo.InvariantCulture);
        RetryAfter.Of(header, now).ShouldBe(TimeSpan.FromSeconds(20));
        RetryAfter.Of(header, now + TimeSpan.FromMinutes(1)).ShouldBe(TimeSpan.Zero);
        RetryAfter.Of("7", now).ShouldBe(TimeSpan.FromSeconds(7));
        RetryAfter.Of("soon", now).ShouldBeNull();
        RetryAfter.Of(header: null, now).ShouldBeNull();
    }
}
