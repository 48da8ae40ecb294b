using System.Globalization;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd;

/// <summary>One pod never costs another the fast path.</summary>
public sealed class CacheShareTests(SharedLab shared) : IClassFixture<SharedLab>
{
    private const int Flows = 200_000;
    private const int Others = 100;

    // Beside the learned ones, conntrack's entries of what went before.
    private const int Conntrack = Flows + 20_000;

    [Fact]
    public async Task A_pod_that_opens_200000_flows_leaves_the_others_theirs()
    {
        var maximum = int.Parse(await File.ReadAllTextAsync("/proc/sys/net/netfilter/nf_conntrack_max", TestContext.Current.CancellationToken), CultureInfo.InvariantCulture);
        Assert.SkipUnless(maximum >= Conntrack, $"needs net.netfilter.nf_conntrack_max of {Conntrack} at least, it is {maximum}");
        var lab = await shared.ReadyAsync();
        // However long a busy machine takes, the others' flows end neither by their lease nor by conntrack's timeouts.
        foreach (var node in lab.Overlay.Nodes)
        {
            _ = await node.DoAsync("sysctl -qw net.netfilter.nf_conntrack_udp_timeout=600 net.netfilter.nf_conntrack_udp_timeout_stream=600");
        }

        await lab.ConfigureAsync(new AgentConfig { Lease = "10m" });
        var (greedy, greedyServer) = (lab.Client, lab.Server);
        var (modest, modestServer) = (lab.Overlay.Nodes[0].Pods[1], lab.Overlay.Nodes[1].Pods[1]);
        var conversations = new List<IConversation>();
        try
        {
            for (var i = 0; i < Others; i++)
            {
                conversations.Add(new UdpConversation(modest, modestServer));
            }

            var connection = await TcpConversation.OpenAsync(modest, modestServer);
            conversations.Add(connection);
            foreach (var conversation in conversations)
            {
                await lab.LearnAsync(conversation);
            }

            await UdpFlood.OpenAsync(greedy, greedyServer, Flows);

            // Each of them idle meanwhile: the first to be evicted where anything is.
            var before = await TotalHitsAsync(lab, modest, modestServer);
            foreach (var conversation in conversations)
            {
                await conversation.ExchangeAsync(1);
            }

            var hits = await TotalHitsAsync(lab, modest, modestServer) - before;
            ((double)hits / (4 * conversations.Count)).ShouldBeGreaterThan(0.99, "what the others send and receive, at both of their nodes");

            foreach (var pod in (LabPod[])[greedy, greedyServer])
            {
                var status = await lab.AgentOf(pod).UntilAsync(status => LabAgent.EndpointOf(status, pod).Cause is not null, "aware of who wants more than a share");
                var endpoint = LabAgent.EndpointOf(status, pod);
                endpoint.Cause.ShouldBe("CacheShare");
                endpoint.Flows.ShouldBeInRange(status.Sizes.Filter.Capacity / 3, (status.Sizes.Filter.Capacity / 2) + 100);
                status.Reasons.ShouldContain(static reason => reason.Name == "learn_share" && reason.Egress + reason.Ingress > Flows / 2);
                status.Warnings.ShouldContain(warning => warning.StartsWith($"default/{pod.Name} wants more of the filter cache", StringComparison.Ordinal));
                LabAgent.EndpointOf(status, pod == greedy ? modest : modestServer).Cause.ShouldBeNull();
            }

            // A pod that has been modest finds room at once, and its connections end as ever.
            await using (var later = new UdpConversation(modest, modestServer))
            {
                await lab.LearnAsync(later);
            }

            await connection.CloseAsync();
            foreach (var node in lab.Overlay.Nodes)
            {
                _ = await Eventually.ReadsAsync(
                    () => node.DoAsync($"conntrack -L -p tcp --state ESTABLISHED --src {modest.Address} --dst {modestServer.Address}"),
                    static table => table.Trim().Length == 0,
                    "the connection over for conntrack");
            }

            // The greedy one finds room again once its flows are over.
            await lab.FlushAsync();
            await using var again = new UdpConversation(greedy, greedyServer);
            await lab.LearnAsync(again);
        }
        finally
        {
            foreach (var conversation in conversations)
            {
                await conversation.DisposeAsync();
            }
        }
    }

    private static async Task<long> TotalHitsAsync(AcceleratedLab lab, params IReadOnlyList<IPod> pods)
    {
        var sum = 0L;
        foreach (var pod in pods)
        {
            sum += (await lab.AgentOf(pod).HitsAsync(pod)).Both;
        }

        return sum;
    }
}
