using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Events;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Tests.Fakes;

namespace OnCache.Kubernetes.Tests.RealServer;

[Collection(RealServerTests.Name)]
public sealed class EventLiveTests(RealApiServer server)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Events_are_described_with_their_object_and_repetitions_are_one()
    {
        using var client = server.Client();
        var name = $"t{Guid.NewGuid():N}";
        var widget = await client.CreateAsync(
            new Widget { Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "default" } }, Token);
        using var recorder = new EventRecorder(client, "tests.example.com/tests", "pod-1", NullLogger.Instance);

        for (var times = 0; times < 4; times++)
        {
            await recorder.PublishAsync(widget, "Broken", "It broke", EventType.Warning, Token);
        }

        var events = await client.ListAsync<Eventsv1Event>(
            new ListQuery { Namespace = "default" }, Token);
        var written = events.Items.Single(item => item.Regarding?.Uid == widget.Metadata.Uid);
        (written.Reason, written.Note, written.Type, written.Series!.Count).ShouldBe(("Broken", "It broke", "Warning", 4));
        var described = await server.Plane.KubectlAsync(["describe", "widget", name],
            cancellationToken: Token);
        described.Output.ShouldContain("It broke");
    }

    [Fact]
    public async Task Events_of_an_object_without_a_namespace_are_found()
    {
        using var client = server.Client();
        var home = await client.CreateAsync(new V1Namespace { Metadata = new V1ObjectMeta { Name = $"t{Guid.NewGuid():N}" } }, Token);
        using var recorder = new EventRecorder(client, "tests.example.com/tests", "pod-1", NullLogger.Instance);

        await recorder.PublishAsync(home, "Settled", "It is settled", cancellationToken: Token);

        var events = await client.ListAsync<Eventsv1Event>(cancellationToken: Token);
        events.Items.Single(item => item.Regarding?.Uid == home.Metadata.Uid).Note.ShouldBe("It is settled");
    }
}
