using OnCache.Agent.Telemetry;
using OnCache.Agent.Topology;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;

namespace OnCache.EndToEnd;

/// <summary>Pods go and come; an address passes from one to the next.</summary>
public sealed class PodLifeTests
{
    private const int Exchanges = 20;
    private const int Port = 7777;

    [Fact]
    public async Task An_address_that_passes_to_another_pod_leads_to_that_pod_and_is_accelerated_again()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.UpAsync();
        var agent = lab.AgentOf(lab.Server);
        await using var peer = new UdpConversation(lab.Client, lab.Server, echoPort: Port);
        await lab.LearnAsync(peer);
        var (old, interfaceBefore) = (lab.Server, LabAgent.EndpointOf(await agent.StatusAsync(), lab.Server).Interface);
        var links = KernelIds.OfLinks(agent.Node);

        var pod = await old.Node.RecreatePodAsync(old, TestContext.Current.CancellationToken);
        await using var echo = UdpEcho.Start(pod, pod.Address, Port);

        // The peer's node still holds the flow: its packets must reach the new pod, whatever this node's agent knows by now.
        await peer.ExchangeAsync(Exchanges);
        echo.Received.ShouldBe(Exchanges);

        await agent.ConfigureAsync(new AgentConfig());
        await lab.AcceleratedAsync();
        await using var conversation = new UdpConversation(lab.Client, pod);
        await lab.LearnAsync(conversation);
        await peer.ExchangeAsync(Exchanges);

        echo.Received.ShouldBe(2 * Exchanges);
        var endpoint = LabAgent.EndpointOf(await agent.StatusAsync(), pod);
        endpoint.Interface.ShouldBe(pod.HostInterface);
        endpoint.Interface.ShouldNotBe(interfaceBefore);
        var newLinks = KernelIds.OfLinks(agent.Node);
        newLinks.Count.ShouldBe(links.Count);
        newLinks.Keys.Intersect(links.Keys).Count().ShouldBe(2, "those of the NIC stay, those of the old veth are gone");
    }

    [Fact]
    public async Task A_pod_that_is_gone_waits_without_leaving_links_behind_and_goes_with_the_configuration()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.UpAsync();
        var agent = lab.AgentOf(lab.Server);
        await using (var conversation = new UdpConversation(lab.Client, lab.Server))
        {
            await lab.LearnAsync(conversation);
        }

        var gone = lab.Server;
        await gone.Node.DeletePodAsync(gone, TestContext.Current.CancellationToken);

        // While the kernel takes the veth away, its other end is in no pod.
        var status = await agent.UntilAsync(
            status => LabAgent.EndpointOf(status, gone) is { State: EndpointState.Waiting, Cause: nameof(EndpointReason.NeighbourUnresolved) }, "aware that the pod is gone");
        LabAgent.EndpointOf(status, gone).Reason.ShouldNotBeNull().ShouldContain(gone.Address.ToString());
        KernelIds.OfLinks(agent.Node).Count.ShouldBe(2);

        await agent.ConfigureAsync(new AgentConfig());
        (await agent.StatusAsync()).Endpoints.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_pod_that_comes_later_is_accelerated()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.UpAsync();
        var pod = await lab.Client.Node.AddPodAsync(TestContext.Current.CancellationToken);

        await lab.AgentOf(pod).ConfigureAsync(new AgentConfig());
        await lab.AcceleratedAsync();

        await using var conversation = new UdpConversation(pod, lab.Server);
        await lab.LearnAsync(conversation);
    }
}
