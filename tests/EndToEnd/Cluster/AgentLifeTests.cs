using System.Text.Json.Nodes;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab;
using OnCache.Lab.Cluster.Nodes;

namespace OnCache.EndToEnd.Cluster;

/// <summary>Agents that restart, hang and lose their API server: traffic goes on, and what was asked meanwhile takes effect.</summary>
[Collection(ClusterTests.Name)]
public sealed class AgentLifeTests(InstalledCluster cluster) : IAsyncLifetime
{
    private const int Exchanges = 20;
    private readonly Replicas replicas = new(cluster);

    private ClusterNode First => cluster.Kubernetes.Nodes[0];

    private ClusterNode Second => cluster.Kubernetes.Nodes[1];

    public ValueTask InitializeAsync() => new(cluster.RequireAsync());

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task An_agent_that_is_replaced_interrupts_nothing_and_its_successor_goes_on()
    {
        await using var policy = new TrialPolicy(cluster);
        await policy.SettleAsync("{}");
        await using var conversation = await TcpConversation.OpenAsync(cluster.Client, cluster.Server);
        await using var stream = await DuplexStream.OpenAsync(cluster.Client, cluster.Server, StreamPace.Steady);
        await using var flow = SequencedFlow.Start(cluster.Client, cluster.Server);
        await cluster.UntilAcceleratedAsync(conversation);
        var former = await replicas.AgentAsync(First);

        await cluster.KubectlAsync("-n", InstalledCluster.OwnNamespace, "delete", "pod", former.Name, Liveness.KubectlTimeout);
        await cluster.KubectlAsync("-n", InstalledCluster.OwnNamespace, "rollout", "status", "daemonset/oncache-agent", Liveness.KubectlTimeout);
        await stream.MoveOnAsync(1 << 20);
        await cluster.UntilAcceleratedAsync(conversation);

        (await flow.StopAsync()).ShouldBePositive();
        (await stream.StopAsync()).ShouldBePositive();
        (await replicas.AgentAsync(First)).Uid.ShouldNotBe(former.Uid);
        await UntilFreshAsync(First);
    }

    [Fact]
    public async Task An_agent_that_hangs_hands_its_traffic_to_the_CNI_and_holds_no_deletion_up()
    {
        await using var policy = new TrialPolicy(cluster);
        await policy.SettleAsync("{}");
        await using var conversation = await TcpConversation.OpenAsync(cluster.Client, cluster.Server);
        await cluster.UntilAcceleratedAsync(conversation);
        using var observed = new PinnedHits(Replicas.BpfRootOf(await replicas.AgentAsync(Second)));
        using (FrozenProcess.Of(await replicas.AgentAsync(Second), Replicas.AgentCommand))
        {
            await Eventually.ReadsAsync(
                async () =>
                {
                    var before = observed.Read();
                    await conversation.ExchangeAsync(Exchanges);
                    return observed.Read() - before;
                },
                static grown => grown == default,
                "no hits without the agent's heartbeat");
            await policy.DeleteAsync();
            await InstalledCluster.UntilAsync(First, static status => status.Endpoints.All(static pod => pod.Policy is null), "let go of the policy");
            await UntilFreshAsync(First);
        }

        await InstalledCluster.UntilAsync(Second, static status => status.Endpoints.All(static pod => pod.Policy is null), "let go of the policy");
        (await cluster.CountAsync(conversation, Exchanges)).ShouldBe(default);
    }

    [Fact]
    public async Task An_API_server_that_restarts_is_neither_missed_nor_forgotten()
    {
        await using var policy = new TrialPolicy(cluster);
        await policy.SettleAsync("{}");
        await using var conversation = await TcpConversation.OpenAsync(cluster.Client, cluster.Server);
        await using var flow = SequencedFlow.Start(cluster.Client, cluster.Server);
        await cluster.UntilAcceleratedAsync(conversation);

        await cluster.Kubernetes.ControlPlane.StopApiServerAsync(cancellationToken: TestContext.Current.CancellationToken);
        try
        {
            await cluster.UntilAcceleratedAsync(conversation);
        }
        finally
        {
            await cluster.Kubernetes.ControlPlane.StartApiServerAsync(CancellationToken.None);
        }

        await policy.ApplyAsync("{mode: Disabled}");
        await cluster.UntilPlainAsync(conversation);
        await policy.ApplyAsync("{mode: Accelerate}");
        await cluster.UntilAcceleratedAsync(conversation);
        (await flow.StopAsync()).ShouldBePositive();
    }

    [Fact]
    public async Task An_agent_that_is_cut_off_keeps_to_what_it_knows_and_follows_when_it_is_back()
    {
        await using var policy = new TrialPolicy(cluster);
        await policy.SettleAsync("{}");
        await using var conversation = await TcpConversation.OpenAsync(cluster.Client, cluster.Server);
        await cluster.UntilAcceleratedAsync(conversation);

        await FilterAsync("-I", TestContext.Current.CancellationToken);
        try
        {
            await policy.ApplyAsync("{mode: Disabled}");
            await cluster.TalkUntilAsync(
                conversation, static (grown, exchanges) => grown.AtClientAreAllOf(exchanges) && grown.Server == default, "accelerated where nobody says otherwise");
        }
        finally
        {
            await FilterAsync("-D", CancellationToken.None);
        }

        await cluster.UntilPlainAsync(conversation);

        // Nothing arrives, and what is sent is answered by a reset. The agent takes the Service's address, the node's own processes do not.
        async Task FilterAsync(string verb, CancellationToken cancellationToken)
        {
            foreach (var rule in (string[])["INPUT -p tcp -m conntrack --ctorigdst 10.96.0.1 -j DROP", "OUTPUT -p tcp -m conntrack --ctorigdst 10.96.0.1 -j REJECT --reject-with tcp-reset"])
            {
                _ = (await First.RunCommandAsync("iptables", ["-w", verb, .. rule.Split(' ')], cancellationToken: cancellationToken)).EnsureSuccess();
            }
        }
    }

    /// <summary>Waits until a node's status in the API speaks of what is asked of it now.</summary>
    private async Task UntilFreshAsync(ClusterNode node) => _ = await Eventually.ReadsAsync(
        async () => JsonNode.Parse(await cluster.KubectlAsync("get", "ncc", node.Name, "-o", "json"))!,
        static config => config["status"]!["observedGeneration"]!.GetValue<long>() == config["metadata"]!["generation"]!.GetValue<long>()
            && config["status"]!["conditions"]!.AsArray().Any(static condition =>
                condition!["type"]!.GetValue<string>() == "Ready" && condition["status"]!.GetValue<string>() == "True"),
        $"the status of {node.Name} up to date",
        Eventually.Sparing);
}
