using OnCache.Agent.Telemetry;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;

namespace OnCache.EndToEnd.Fixture;

/// <summary>A lab with an agent for each node.</summary>
internal sealed class AcceleratedLab : IAsyncDisposable
{
    private readonly IReadOnlyList<LabAgent> agents;

    private AcceleratedLab(OverlayLab lab)
    {
        Overlay = lab;
        agents = [.. lab.Nodes.Select(node => new LabAgent(node, lab.Folder))];
    }

    public OverlayLab Overlay { get; }

    public IReadOnlyList<LabAgent> Agents => agents;

    /// <summary>The first pod of the first node.</summary>
    public LabPod Client => Overlay.Nodes[0].Pods[0];

    /// <summary>The first pod of the second node.</summary>
    public LabPod Server => Overlay.Nodes[1].Pods[0];

    /// <summary>A lab whose agents have not been started.</summary>
    public static async Task<AcceleratedLab> PlainAsync(LabOptions? options = null) =>
        new(await OverlayLab.UpAsync(options ?? new LabOptions(), cancellationToken: TestContext.Current.CancellationToken));

    /// <summary>A lab with all agents running and all pods accelerated.</summary>
    public static async Task<AcceleratedLab> UpAsync(LabOptions? options = null)
    {
        var lab = await PlainAsync(options);
        try
        {
            await lab.StartAsync();
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    public LabAgent AgentOf(IPod pod) => agents[((LabPod)pod).Node.Index - 1];

    public async Task StartAsync(AgentConfig? config = null, params string[] options)
    {
        await Task.WhenAll(agents.Select(agent => agent.StartAsync(config, options)));
        await AcceleratedAsync();
    }

    /// <summary>Waits until every pod is accelerated and every remote node has a path, at every agent.</summary>
    public Task AcceleratedAsync() => Task.WhenAll(agents.Select(agent => agent.UntilAsync(IsAccelerated, "accelerating all of its pods")));

    /// <summary>Gives the configuration to both agents.</summary>
    public Task ConfigureAsync(AgentConfig config) => Task.WhenAll(agents.Select(agent => agent.ConfigureAsync(config)));

    public Task FlushAsync() => Task.WhenAll(agents.Select(agent => agent.FlushAsync()));

    /// <summary>Talks until all packets of a conversation take the fast path at both of its nodes.</summary>
    public async Task LearnAsync(IConversation conversation)
    {
        const int Exchanges = 4;
        _ = await Eventually.ReadsAsync(
            () => CountAsync(conversation, Exchanges),
            grown => grown.AreAllOf(Exchanges),
            $"{conversation} on the fast path");
    }

    /// <summary>Exchanges, and returns the growth of the hit counts at the client's and the server's pod.</summary>
    public async Task<FlowHits> CountAsync(IConversation conversation, int exchanges)
    {
        var before = await HitsAsync(conversation);
        await conversation.ExchangeAsync(exchanges);
        return await HitsAsync(conversation) - before;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var agent in agents)
        {
            await agent.DisposeAsync();
        }

        await Overlay.DisposeAsync();
    }

    private static bool IsAccelerated(AgentStatus status) =>
        status.Endpoints.All(static endpoint => endpoint.State == EndpointState.Accelerated)
        && status.RemoteNodes.Count > 0
        && status.RemoteNodes.All(static node => node.State == RemoteNodeState.Ready);

    private async Task<FlowHits> HitsAsync(IConversation conversation) => new(
        await AgentOf(conversation.Client).HitsAsync(conversation.Client),
        await AgentOf(conversation.Server).HitsAsync(conversation.Server));
}
