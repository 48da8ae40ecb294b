using OnCache.Agent.Bpf;
using OnCache.Agent.Telemetry;
using OnCache.Api;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;

namespace OnCache.EndToEnd.Cluster;

/// <summary>Every way of selecting takes effect on traffic that runs, and is undone when the policy changes and when it goes.</summary>
[Collection(ClusterTests.Name)]
public sealed class SelectionTests(InstalledCluster cluster) : IAsyncLifetime
{
    private const int Exchanges = 20;
    private const int Port = 5300;

    public ValueTask InitializeAsync() => new(cluster.RequireAsync());

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Theory]
    [InlineData(Protocols.Tcp, "{namespaces: {names: [talk]}}", "{namespaces: {names: [elsewhere]}}")]
    [InlineData(Protocols.Udp, "{namespaces: {selector: {matchLabels: {tier: gold}}}}", "{namespaces: {selector: {matchLabels: {tier: grey}}}}")]
    [InlineData(Protocols.Tcp, "{podSelector: {matchLabels: {app: chat}}}", "{podSelector: {matchLabels: {app: silent}}}")]
    [InlineData(Protocols.Tcp, "{protocols: [TCP]}", "{protocols: [UDP, ICMP]}")]
    [InlineData(Protocols.Udp, "{protocols: [UDP]}", "{protocols: [TCP, ICMP]}")]
    [InlineData(Protocols.Icmp, "{protocols: [ICMP]}", "{protocols: [TCP, UDP]}")]
    [InlineData(Protocols.Tcp, "{exclusions: {namespaces: [elsewhere]}}", "{exclusions: {namespaces: [talk]}}")]
    [InlineData(Protocols.Udp, "{exclusions: {podSelector: {matchLabels: {app: silent}}}}", "{exclusions: {podSelector: {matchLabels: {app: chat}}}}")]
    [InlineData(Protocols.Icmp, "{exclusions: {cidrs: [10.99.0.0/16]}}", "{exclusions: {cidrs: [10.244.0.0/16]}}")]
    [InlineData(Protocols.Udp, "{exclusions: {ports: [{protocol: TCP, port: 5300}]}}", "{exclusions: {ports: [{protocol: UDP, port: 5300}]}}")]
    [InlineData(Protocols.Tcp, "{nodeSelector: {matchLabels: {kubernetes.io/os: linux}}}", "{nodeSelector: {matchLabels: {kubernetes.io/os: other}}}")]
    [InlineData(Protocols.Tcp, "{mode: Accelerate}", "{mode: Disabled}")]
    public async Task What_is_selected_is_accelerated_and_nothing_else(Protocols protocol, string selecting, string other)
    {
        await using var conversation = protocol == Protocols.Udp
            ? new UdpConversation(cluster.Client, cluster.Server, Port)
            : await Conversations.OpenAsync(protocol, cluster.Client, cluster.Server);
        await using var policy = new TrialPolicy(cluster);
        await policy.SettleAsync(other);
        (await cluster.CountAsync(conversation, Exchanges)).ShouldBe(default);

        await TrialPolicy.TimedAsync(selecting, () => policy.ApplyAsync(selecting), () => cluster.UntilAcceleratedAsync(conversation));
        await TrialPolicy.TimedAsync(other, () => policy.ApplyAsync(other), () => cluster.UntilPlainAsync(conversation));
        (await cluster.CountAsync(conversation, Exchanges)).ShouldBe(default);

        await TrialPolicy.TimedAsync(selecting, () => policy.ApplyAsync(selecting), () => cluster.UntilAcceleratedAsync(conversation));
        await TrialPolicy.TimedAsync("kubectl delete", policy.DeleteAsync, () => cluster.UntilPlainAsync(conversation));
        (await cluster.CountAsync(conversation, Exchanges)).ShouldBe(default);
    }

    [Fact]
    public async Task A_node_that_is_selected_alone_accelerates_alone()
    {
        await using var conversation = await TcpConversation.OpenAsync(cluster.Client, cluster.Server);
        await using var policy = new TrialPolicy(cluster);
        await policy.ApplyAsync($"{{nodeSelector: {{matchLabels: {{kubernetes.io/hostname: {cluster.Client.Node}}}}}}}");

        await cluster.TalkUntilAsync(
            conversation, static (grown, exchanges) => grown.AtClientAreAllOf(exchanges) && grown.Server == default, "accelerated at the client's node alone");
    }

    [Fact]
    public async Task Pods_beside_the_selected_ones_are_left_alone()
    {
        var (client, server) = cluster.Bystanders;
        await using var selected = await TcpConversation.OpenAsync(cluster.Client, cluster.Server);
        await using var bystanding = await TcpConversation.OpenAsync(client, server);
        await using var policy = new TrialPolicy(cluster);
        await policy.ApplyAsync("{namespaces: {names: [talk]}}");
        await cluster.UntilAcceleratedAsync(selected);

        (await cluster.CountAsync(bystanding, Exchanges)).ShouldBe(default);
        var endpoint = await cluster.EndpointAsync(client);
        endpoint.State.ShouldBe(EndpointState.Disabled);
        endpoint.Reason.ShouldBe("no policy matches");
    }

    [Fact]
    public async Task Observed_traffic_is_counted_and_not_redirected()
    {
        await using var conversation = await TcpConversation.OpenAsync(cluster.Client, cluster.Server);
        await using var policy = new TrialPolicy(cluster);
        await policy.ApplyAsync("{mode: Observe}");

        var observed = 0L;
        await Eventually.ReadsAsync(
            async () =>
            {
                var before = (await cluster.StatusOfAsync(cluster.Client)).Totals.Observed;
                (await cluster.CountAsync(conversation, Exchanges)).ShouldBe(default);
                observed = (await cluster.StatusOfAsync(cluster.Client)).Totals.Observed - before;
                return observed;
            },
            static count => count >= 2 * Exchanges,
            "every packet observed");
        (await cluster.EndpointAsync(cluster.Client)).State.ShouldBe(EndpointState.Observed);

        await TrialPolicy.TimedAsync("Observe to Accelerate", () => policy.ApplyAsync("{mode: Accelerate}"), () => cluster.UntilAcceleratedAsync(conversation));
        await TrialPolicy.TimedAsync("Accelerate to Observe", () => policy.ApplyAsync("{mode: Observe}"), () => cluster.UntilPlainAsync(conversation));
    }

    [Theory]
    [InlineData("{exclusions: {cidrs: [10.244.0.0/16]}}")]
    [InlineData("{exclusions: {ports: [{protocol: UDP, port: 5300}]}}")]
    public async Task An_excluded_peer_or_port_is_told_as_the_reason(string spec)
    {
        var label = ReasonText.Label(Reason.Excluded);
        await using var conversation = new UdpConversation(cluster.Client, cluster.Server, Port);
        await using var policy = new TrialPolicy(cluster);
        await policy.SettleAsync(spec);

        var before = await ReasonAsync(label);

        // While learning is held after the change, that is the reason told.
        _ = await Eventually.ReadsAsync(
            async () =>
            {
                await conversation.ExchangeAsync(Exchanges);
                return await ReasonAsync(label);
            },
            count => count > before,
            "excluded packets counted");
        (await cluster.EndpointAsync(cluster.Client)).State.ShouldBe(EndpointState.Accelerated);
    }

    [Theory]
    [InlineData("its annotation", "annotation oncache.io/accelerate is \"false\"", "-n talk annotate pod client server oncache.io/accelerate=false", "-n talk annotate pod client server oncache.io/accelerate-")]
    [InlineData("its label", "no policy matches", "-n talk label pod client server app=silent --overwrite", "-n talk label pod client server app=chat --overwrite")]
    [InlineData("its namespace's label", "no policy matches", "label namespace talk tier=grey --overwrite", "label namespace talk tier=gold --overwrite")]
    public async Task A_change_of_the_object_itself_counts(string what, string reason, string leave, string enter)
    {
        await using var conversation = await TcpConversation.OpenAsync(cluster.Client, cluster.Server);
        await using var policy = new TrialPolicy(cluster);
        await policy.ApplyAsync("{namespaces: {selector: {matchLabels: {tier: gold}}}, podSelector: {matchLabels: {app: chat}}}");
        await cluster.UntilAcceleratedAsync(conversation);
        try
        {
            await TrialPolicy.TimedAsync($"{what} against", () => cluster.KubectlAsync(leave.Split(' ')), () => cluster.UntilPlainAsync(conversation));

            // Packets know before the status does.
            var endpoint = await Eventually.ReadsAsync(
                () => cluster.EndpointAsync(cluster.Client), static endpoint => endpoint.State == EndpointState.Disabled, "told as disabled");
            endpoint.Reason.ShouldBe(reason);

            await TrialPolicy.TimedAsync($"{what} for it", () => cluster.KubectlAsync(enter.Split(' ')), () => cluster.UntilAcceleratedAsync(conversation));
        }
        finally
        {
            await cluster.UndoAsync(enter.Split(' '));
        }
    }

    private async Task<long> ReasonAsync(string label) =>
        (await cluster.StatusOfAsync(cluster.Client)).Reasons.Where(reason => reason.Name == label).Sum(reason => reason.Egress + reason.Ingress);
}
