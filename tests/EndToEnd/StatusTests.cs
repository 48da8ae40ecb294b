using System.Text.Json;
using OnCache.Agent.Telemetry;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab.Topology;

namespace OnCache.EndToEnd;

/// <summary>The verbs that ask a running agent.</summary>
public sealed class StatusTests(SharedLab shared) : IClassFixture<SharedLab>
{
    [Fact]
    public async Task Json_is_the_whole_status()
    {
        var lab = await shared.ReadyAsync();
        var (agent, node) = (lab.Agents[0], lab.Agents[0].Node);
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);

        var result = (await agent.RunVerbAsync("status", "-o", "json", "--socket", agent.Socket)).EnsureSuccess();

        var status = JsonSerializer.Deserialize(result.Output, AgentJson.Default.AgentStatus).ShouldNotBeNull();
        status.Node.ShouldBe(node.Name);
        status.Ready.ShouldBeTrue();
        status.Underlay.ShouldBe(new UnderlayStatus
        {
            Device = node.TunnelDevice,
            Nic = node.UnderlayDevice,
            LocalAddress = $"{node.Address}",
            Vni = AddressPlan.Vni,
            Port = AddressPlan.VxlanPort,
            Mtu = lab.Overlay.PodMtu,
        });
        status.Endpoints.Select(static endpoint => endpoint.Ip).ShouldBe(node.Pods.Select(static pod => $"{pod.Address}"));
        status.RemoteNodes.ShouldBe([new RemoteNodeStatus($"{lab.Server.Node.Address}", RemoteNodeState.Ready, null)]);
        status.Totals.Hits.ShouldBeGreaterThan(0);
        status.Totals.HitRatio.ShouldBeInRange(0, 1);
        status.Sizes.Filter.Used.ShouldBeGreaterThan(0);
        status.Sizes.Filter.MemoryBytes.ShouldBeGreaterThan(1 << 20);
        status.Sizes.Ingress.Used.ShouldBe(node.Pods.Count);
        status.Sizes.Egress.Used.ShouldBe(1);
        status.Reasons.ShouldContain(static reason => reason.Name == "learned");
        status.LastFlush.ShouldNotBeNull();
        status.Warnings.ShouldBeEmpty();
    }

    [Fact]
    public async Task Text_names_every_pod_node_and_reason()
    {
        var lab = await shared.ReadyAsync();
        var agent = lab.Agents[0];
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);

        var text = (await agent.RunVerbAsync("status", "--socket", agent.Socket)).EnsureSuccess().Output;

        foreach (var pod in agent.Node.Pods)
        {
            text.ShouldContain($"default/{pod.Name}");
            text.ShouldContain(pod.HostInterface);
        }

        text.ShouldContain($"{lab.Server.Node.Address}");
        foreach (var reason in (await agent.StatusAsync()).Reasons)
        {
            text.ShouldContain(reason.Name);
            text.ShouldContain(reason.Text);
        }
    }

    [Theory]
    [InlineData("--all", null, "flushed 2 endpoints in ")]
    [InlineData("--endpoint", "default/n1p1", "flushed 1 endpoint in ")]
    [InlineData("--endpoint", "10.244.1.2", "flushed 1 endpoint in ")]
    public async Task Flush_voids_cached_verdicts_and_says_how_many(string option, string? value, string expected)
    {
        var lab = await shared.ReadyAsync();
        var agent = lab.Agents[0];
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);
        var stale = await agent.ReasonAsync("stale");

        string[] wanted = value is null ? [option] : [option, value];
        var result = (await agent.RunVerbAsync(["flush", "--socket", agent.Socket, .. wanted])).EnsureSuccess();

        result.Output.ShouldStartWith(expected);
        await conversation.ExchangeAsync(1);
        (await agent.ReasonAsync("stale")).ShouldBeGreaterThan(stale);
        await lab.LearnAsync(conversation);
    }

    [Theory]
    [InlineData("default/nobody")]
    [InlineData("10.9.9.9")]
    public async Task Flush_of_a_pod_that_is_not_there_fails(string endpoint)
    {
        var lab = await shared.ReadyAsync();

        var result = await lab.Agents[0].RunVerbAsync("flush", "--socket", lab.Agents[0].Socket, "--endpoint", endpoint);

        result.ExitCode.ShouldBe(1);
        result.Error.ShouldContain(endpoint);
        result.Error.Trim().Split('\n').Length.ShouldBe(1);
    }

    [Theory]
    [InlineData("status")]
    [InlineData("flush", "--all")]
    public async Task Nobody_answers_where_no_agent_runs(params string[] verb)
    {
        var lab = await shared.ReadyAsync();

        var result = await lab.Agents[0].RunVerbAsync([.. verb, "--socket", "/tmp/oncache-nobody.sock"]);

        result.ExitCode.ShouldBe(1);
        result.Error.Trim().ShouldBe("oncache-agent: no agent answers on /tmp/oncache-nobody.sock: is it running?");
    }
}
