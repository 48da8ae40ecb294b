using OnCache.Agent.Telemetry;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd;

/// <summary>
/// The kernel refuses every third call of one kind of a running agent, under traffic: what is forbidden meanwhile is forbidden, by the agent or
/// because it has ended and handed over; traffic goes on; and once calls succeed again, the agent or its successor accelerates.
/// </summary>
public sealed class RefusedCallsTests(PlainLab shared) : IClassFixture<PlainLab>
{
    private const int Port = 7300;

    // Far from what a lease or a heartbeat would end by itself.
    private static readonly AgentConfig s_open = new() { Lease = "10m" };
    private static readonly AgentConfig s_closed = s_open with { Exclusions = $"{{ ports: [{{ protocol: UDP, port: {Port} }}] }}" };

    [Theory]
    [InlineData("bpf", "ENOMEM")]
    [InlineData("bpf", "EPERM")]
    [InlineData("bpf", "EINTR")]
    [InlineData("bpf", "ENOSPC")]
    [InlineData("bpf", "ENODEV")]
    [InlineData("sendto", "ENOBUFS")]
    [InlineData("sendto", "EINTR")]
    [InlineData("recvfrom,recvmsg", "ENOBUFS")]
    [InlineData("recvfrom,recvmsg", "ENOMEM")]
    [InlineData("openat", "EMFILE")]
    public async Task What_is_forbidden_meanwhile_is_forbidden_and_all_is_well_afterwards(string call, string error)
    {
        var lab = await ReadyAsync();
        var agent = lab.AgentOf(lab.Client);
        await using var conversation = new UdpConversation(lab.Client, lab.Server, Port);
        await using var other = await TcpConversation.OpenAsync(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);
        await lab.LearnAsync(other);
        var handles = Handles(agent);
        using var hits = new PinnedHits(agent);

        var refused = await RefusedCalls.OfAsync(agent.Node, agent.ProcessId, call, error, every: 3, TestContext.Current.CancellationToken);
        await using (refused)
        {
            // Something to read from the kernel, of which nothing else may be due just now.
            await agent.Node.DoAsync("nft add table ip refused");
            await agent.Node.DoAsync("nft delete table ip refused");
            await agent.WriteAsync(s_closed);
            await Eventually.ReadsAsync(
                async () =>
                {
                    var before = hits.Read();
                    await conversation.ExchangeAsync(4);
                    var grown = hits.Read() - before;
                    await other.ExchangeAsync(2);
                    return grown;
                },
                static grown => grown == default,
                "the excluded flow on the CNI's path");
        }

        refused.Count.ShouldBePositive("calls that were refused");
        await other.ExchangeAsync(4);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await AllIsWellAsync();
                break;
            }
            catch (Exception failure) when (failure is AgentUnreachableException or InvalidOperationException && attempt < 3)
            {
                // It ends over what was refused, a moment later perhaps: started again, as kubelet does.
                await Eventually.HoldsAsync(() => !agent.IsRunning, "the end of an agent that answers no more");
                await agent.StartAsync(s_closed);
            }
        }

        Handles(agent).ShouldBeLessThanOrEqualTo(handles + Slack, "file descriptors of the agent");

        async Task AllIsWellAsync()
        {
            await agent.ConfigureAsync(s_closed);
            await lab.AcceleratedAsync();
            await lab.LearnAsync(other);
            // Of the other there may be acknowledgements that came late.
            const int Many = 50;
            (await lab.CountAsync(conversation, Many)).Client.Both.ShouldBeLessThan(Many, "it is excluded");
            await agent.ConfigureAsync(s_open);
            await lab.LearnAsync(conversation);
        }
    }

    [Fact]
    public async Task A_process_whose_calls_cannot_be_refused_is_an_error_that_says_why()
    {
        var lab = await ReadyAsync();

        var refusal = await Should.ThrowAsync<LabException>(
            () => RefusedCalls.OfAsync(lab.Client.Node, lab.Agents[0].ProcessId, "bpf", "ENOSUCHERROR", every: 1, TestContext.Current.CancellationToken));

        refusal.Message.ShouldStartWith("strace ended at once: strace: ");
        refusal.Message.ShouldContain("ENOSUCHERROR");
    }

    // Connections of the socket that are just being closed, and of the pool.
    private const int Slack = 8;

    private static int Handles(LabAgent agent) => Directory.GetFiles($"/proc/{agent.ProcessId}/fd").Length;

    private async Task<AcceleratedLab> ReadyAsync()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/strace"), "needs strace (Debian package strace)");
        var lab = shared.Ready();
        // Anew: one to which much was refused may be about to end.
        await lab.Agents[0].StartAsync(s_open);
        if (!lab.Agents[1].IsRunning)
        {
            await lab.Agents[1].StartAsync(s_open);
        }

        await lab.AcceleratedAsync();
        return lab;
    }
}
