using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Lab.Api;

namespace OnCache.EndToEnd.Api;

/// <summary>The overlay lab under a real API server.</summary>
public sealed class ApiLabTests
{
    private const string Home = "default";
    private static readonly Dictionary<string, string> Labels = new(StringComparer.Ordinal) { ["app"] = "test" };

    [Fact]
    public async Task Pods_of_the_API_are_accelerated_and_an_address_passes_on_with_its_object()
    {
        await ApiLabs.RequireAsync();
        var cancellation = TestContext.Current.CancellationToken;
        await using var lab = await ApiLab.UpAsync(ApiLabs.Options, cancellationToken: cancellation);
        var (here, there) = (lab.Overlay.Nodes[0], lab.Overlay.Nodes[1]);
        var client = await lab.Pods.CreateAsync(here, new NamespacedName(Home, "client"), Labels, cancellation);
        var server = await lab.Pods.CreateAsync(there, new NamespacedName(Home, "server"), Labels, cancellation);

        await using (var conversation = new UdpConversation(client.Sandbox, server.Sandbox))
        {
            await Eventually.ReadsAsync(
                async () =>
                {
                    await conversation.ExchangeAsync(10);
                    return (await lab.Agents[1].StatusAsync(cancellation)).Hits;
                },
                static hits => hits > 0,
                "hits on the server's node");
        }

        await lab.Pods.DeleteAsync(server, cancellation);
        var next = await lab.Pods.CreateAsync(there, new NamespacedName(Home, "next"), Labels, cancellation);

        next.Sandbox.Address.ShouldBe(server.Sandbox.Address);
        next.Uid.ShouldNotBe(server.Uid);
        (await lab.Client.GetAsync<V1Pod>(server.Name, cancellation)).ShouldBeNull();
        (await lab.Client.GetAsync<V1Pod>(next.Name, cancellation)).ShouldNotBeNull().Status.PodIP.ShouldBe(next.Sandbox.Address.ToString());
        await using var again = new UdpConversation(client.Sandbox, next.Sandbox);
        await again.ExchangeAsync(10);
    }

    [Fact]
    public async Task A_cut_gate_keeps_news_from_the_agent_until_it_is_restored()
    {
        await ApiLabs.RequireAsync();
        var cancellation = TestContext.Current.CancellationToken;
        await using var lab = await ApiLab.UpAsync(ApiLabs.Options, cancellationToken: cancellation);
        var agent = lab.Agents[0];

        agent.Gate.Cut();
        var pod = await lab.Pods.CreateAsync(agent.Node, new NamespacedName(Home, "unheard"), Labels, cancellation);
        (await agent.DescribeAsync(cancellation)).ShouldNotContain(pod.Name.Name);

        agent.Gate.Restore();
        await Eventually.ReadsAsync(() => agent.DescribeAsync(cancellation), text => text.Contains(pod.Name.Name, StringComparison.Ordinal), "the pod in the agent's status");
    }
}
