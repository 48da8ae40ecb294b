using OnCache.Agent.Telemetry;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;

namespace OnCache.EndToEnd;

/// <summary>A change of the configuration file takes effect on flows that are cached already, and so does taking it back.</summary>
public sealed class ConfigurationTests(SharedLab shared) : IClassFixture<SharedLab>
{
    private const int Exchanges = 20;
    private const int EchoPort = 7878;

    /// <summary>What keeps a UDP flow of n1p1 to 10.244.2.2 off the fast path at n1, the reason that counts it, n1p1's state and its cause.</summary>
    public static TheoryData<string, string, string, string?> Restrictions => new()
    {
        { "disabled", "not_endpoint", "Disabled", "PolicyMatched" },
        { "protocols", "disabled", "Accelerated", null },
        { "cidrs", "excluded", "Accelerated", null },
        { "ports", "excluded", "Accelerated", null },
        { "namespaces", "not_endpoint", "Disabled", "NamespaceExcluded" },
        { "podSelectors", "not_endpoint", "Disabled", "PodExcluded" },
        { "annotation", "not_endpoint", "Disabled", "OptedOut" },
    };

    [Theory]
    [MemberData(nameof(Restrictions))]
    public async Task A_restriction_sends_a_cached_flow_to_the_overlay_and_its_end_brings_it_back(
        string restriction, string reason, string state, string? cause)
    {
        var lab = await shared.ReadyAsync();
        var agent = lab.AgentOf(lab.Client);
        await using var conversation = new UdpConversation(lab.Client, lab.Server, EchoPort);
        await lab.LearnAsync(conversation);

        await agent.ConfigureAsync(Restricted(restriction));
        var restricted = await agent.UntilAsync(status => $"{LabAgent.EndpointOf(status, lab.Client).State}" == state, state);
        LabAgent.EndpointOf(restricted, lab.Client).Cause.ShouldBe(cause);
        var counted = await agent.ReasonAsync(reason);
        var (hits, _) = await lab.CountAsync(conversation, Exchanges);

        hits.ShouldBe(default);
        (await agent.ReasonAsync(reason) - counted).ShouldBeGreaterThanOrEqualTo(Exchanges);

        await agent.ConfigureAsync(new AgentConfig());
        await lab.LearnAsync(conversation);
    }

    [Fact]
    public async Task A_protocol_that_is_left_out_does_not_take_the_others_along()
    {
        var lab = await shared.ReadyAsync();
        var agent = lab.AgentOf(lab.Client);
        await using var udp = new UdpConversation(lab.Client, lab.Server);
        await using var tcp = await TcpConversation.OpenAsync(lab.Client, lab.Server);

        await agent.ConfigureAsync(new AgentConfig { Protocols = "[TCP]" });

        await lab.LearnAsync(tcp);
        (await lab.CountAsync(udp, Exchanges)).Client.ShouldBe(default);
    }

    [Fact]
    public async Task Observing_counts_what_would_take_the_fast_path_and_redirects_nothing()
    {
        var lab = await shared.ReadyAsync();
        var agent = lab.AgentOf(lab.Client);
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);

        await agent.ConfigureAsync(new AgentConfig { Mode = "Observe" });
        var before = await agent.HitsAsync(lab.Client);
        _ = await Eventually.ReadsAsync(
            async () =>
            {
                var observed = (await agent.StatusAsync()).Totals.Observed;
                await conversation.ExchangeAsync(Exchanges);
                return (await agent.StatusAsync()).Totals.Observed - observed;
            },
            static observed => observed == 2 * Exchanges,
            "counting all packets of both directions as observed");

        (await agent.HitsAsync(lab.Client)).ShouldBe(before);
        LabAgent.EndpointOf(await agent.StatusAsync(), lab.Client).State.ShouldBe(EndpointState.Observed);

        await agent.ConfigureAsync(new AgentConfig());
        await lab.LearnAsync(conversation);
    }

    [Fact]
    public async Task A_file_that_is_not_valid_leaves_the_one_before_in_force_and_shows_in_the_status()
    {
        var lab = await shared.ReadyAsync();
        var agent = lab.AgentOf(lab.Client);
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);

        await agent.ConfigureAsync(new AgentConfig { Mode = "Accelerated" });

        var status = await agent.StatusAsync();
        status.Configuration.Error.ShouldNotBeNull().ShouldContain("spec.policies[0].mode");
        status.Ready.ShouldBeTrue();
        (await lab.CountAsync(conversation, Exchanges)).Client.ShouldBe(new Hits(Exchanges, Exchanges));

        await agent.ConfigureAsync(new AgentConfig());
        (await agent.StatusAsync()).Configuration.Error.ShouldBeNull();
    }

    [Fact]
    public async Task A_shorter_lease_takes_effect()
    {
        var lab = await shared.ReadyAsync();
        var agent = lab.AgentOf(lab.Client);
        await using var conversation = new UdpConversation(lab.Client, lab.Server);

        await agent.ConfigureAsync(new AgentConfig { Lease = "1s" });
        await lab.LearnAsync(conversation);
        var over = await agent.ReasonAsync("lease");

        _ = await Eventually.ReadsAsync(
            async () =>
            {
                await conversation.ExchangeAsync(1);
                return await agent.ReasonAsync("lease") - over;
            },
            static asked => asked >= 4,
            "asking the CNI again in both directions each second");
        await lab.LearnAsync(conversation);
    }

    private static AgentConfig Restricted(string restriction) => restriction switch
    {
        "disabled" => new AgentConfig { Mode = "Disabled" },
        "protocols" => new AgentConfig { Protocols = "[TCP, ICMP]" },
        "cidrs" => new AgentConfig { Exclusions = "{ cidrs: [10.244.2.0/24] }" },
        "ports" => new AgentConfig { Exclusions = $"{{ ports: [ {{ protocol: UDP, port: {EchoPort} }} ] }}" },
        "namespaces" => new AgentConfig { Exclusions = "{ namespaces: [default] }" },
        "podSelectors" => new AgentConfig { Exclusions = "{ podSelectors: [ { matchLabels: { app: n1p1 } } ] }" },
        "annotation" => new AgentConfig { Annotation = "false" },
        _ => throw new ArgumentOutOfRangeException(nameof(restriction), restriction, "not a restriction"),
    };
}
