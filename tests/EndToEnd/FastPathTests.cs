using System.Diagnostics;
using System.Net;
using OnCache.Api;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab.Overlay;
using OnCache.Lab.Rules;
using OnCache.Lab.Topology;

namespace OnCache.EndToEnd;

/// <summary>What takes the fast path, and what never does.</summary>
public sealed class FastPathTests(SharedLab shared) : IClassFixture<SharedLab>
{
    private const int Exchanges = 50;

    [Theory]
    [InlineData(Protocols.Tcp)]
    [InlineData(Protocols.Udp)]
    [InlineData(Protocols.Icmp)]
    public async Task Request_and_response_take_the_fast_path_in_both_directions_at_both_nodes(Protocols protocol)
    {
        var lab = await shared.ReadyAsync();
        await using var conversation = await Conversations.OpenAsync(protocol, lab.Client, lab.Server);
        await lab.LearnAsync(conversation);

        var (client, server) = await lab.CountAsync(conversation, Exchanges);

        // TCP adds acknowledgements of its own.
        foreach (var packets in (long[])[client.Egress, client.Ingress, server.Egress, server.Ingress])
        {
            packets.ShouldBeGreaterThanOrEqualTo(Exchanges);
            packets.ShouldBeLessThanOrEqualTo(protocol == Protocols.Tcp ? 2 * Exchanges : Exchanges);
        }
    }

    [Fact]
    public async Task Each_pair_of_three_nodes_takes_the_fast_path()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.UpAsync(new LabOptions { Nodes = 3 });
        foreach (var (from, to) in ((int From, int To)[])[(0, 1), (1, 2), (2, 0)])
        {
            await using var conversation = new UdpConversation(lab.Overlay.Nodes[from].Pods[0], lab.Overlay.Nodes[to].Pods[0]);
            await lab.LearnAsync(conversation);
            var (client, server) = await lab.CountAsync(conversation, Exchanges);
            client.ShouldBe(new Hits(Exchanges, Exchanges));
            server.ShouldBe(new Hits(Exchanges, Exchanges));
        }
    }

    /// <summary>
    /// Such a tunnel cuts what a pod sends at once into segments, on the CNI's path alone: they are other packets than the one that was handed
    /// over, and not rewritten ones. Some operators of clusters switch it off everywhere.
    /// </summary>
    [Fact]
    public async Task A_bulk_stream_stays_on_the_fast_path_where_the_tunnel_device_offloads_nothing()
    {
        const int Leases = 4;
        var lease = TimeSpan.FromSeconds(1.5);
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync();
        foreach (var node in lab.Overlay.Nodes)
        {
            await node.DoAsync($"ethtool -K {node.TunnelDevice} tx off");
        }

        await lab.StartAsync(new AgentConfig { Lease = "1500ms" });
        var (from, to) = await Sockets.ConnectAsync(lab.Client, lab.Server);
        using (from)
        using (to)
        {
            var stream = ByteStream.Start(from, to, StreamPace.Steady);
            for (var i = 0; i < Leases; i++)
            {
                await Task.Delay(lease, TestContext.Current.CancellationToken);
                var before = await lab.Agents[0].HitsAsync(lab.Client);
                _ = await Eventually.ReadsAsync(() => lab.Agents[0].HitsAsync(lab.Client), hits => (hits - before).Egress > 100, "the stream on the fast path");
            }

            _ = await stream.StopAsync();
        }

        (await lab.Agents[0].ReasonAsync("rewritten")).ShouldBe(0);
    }

    [Fact]
    public async Task Pods_of_one_node_talk_and_are_never_learned()
    {
        var lab = await shared.ReadyAsync();
        var pods = lab.Overlay.Nodes[0].Pods;
        await using var conversation = new UdpConversation(pods[0], pods[1]);
        var agent = lab.AgentOf(pods[0]);
        var local = await agent.ReasonAsync("learn_local_peer");

        var (client, server) = await lab.CountAsync(conversation, Exchanges);

        client.Both.ShouldBe(0);
        server.Both.ShouldBe(0);
        (await agent.ReasonAsync("learn_local_peer") - local).ShouldBe(2 * Exchanges);
    }

    [Theory]
    [InlineData("n1p1", "n1", 0, "no_entry")]
    [InlineData("n1p1", "n2", 0, "learn_not_tunnel")]
    [InlineData("n1", "n1p1", 0, "no_entry")]
    [InlineData("n1", "n2p1", 1, "learn_node_peer")]
    [InlineData("n1", "n2", 0, null)]
    public async Task A_host_is_reached_and_never_by_the_fast_path(string from, string to, int countedBy, string? reason)
    {
        var lab = await shared.ReadyAsync();
        var (source, target) = (lab.Overlay.Member(from), lab.Overlay.Member(to));
        await using var echo = UdpEcho.Start(target, AddressOf(target));
        using var socket = Sockets.Udp(source, IPAddress.Any);
        socket.Connect(echo.EndPoint);
        var agent = lab.Agents[countedBy];
        var before = await TotalHitsAsync(lab);
        var counted = reason is null ? 0 : await agent.ReasonAsync(reason);

        for (var i = 0; i < Exchanges; i++)
        {
            _ = await socket.SendAsync("ask"u8.ToArray(), TestContext.Current.CancellationToken);
            (await Sockets.ReceiveAsync(socket, Patience.Long)).ShouldNotBeNull($"{from} -> {to}");
        }

        (await TotalHitsAsync(lab) - before).ShouldBe(0);
        (reason is null || await agent.ReasonAsync(reason) >= counted + Exchanges - 1).ShouldBeTrue($"{reason} is counted");
    }

    [Fact]
    public async Task A_service_works_and_its_translated_flow_is_not_learned_where_it_is_translated()
    {
        var lab = await shared.ReadyAsync();
        var service = lab.Overlay.Services.First(candidate => candidate.Endpoints.Contains(lab.Server.Address));
        await using var first = UdpEcho.Start(lab.Server, lab.Server.Address, LabService.TargetPort);
        await using var second = UdpEcho.Start(lab.Client, lab.Client.Address, LabService.TargetPort);
        var agent = lab.AgentOf(lab.Client);
        var client = lab.Overlay.Nodes[0].Pods[1];
        var (hits, translated) = (await agent.HitsAsync(client), await agent.ReasonAsync("learn_nat"));

        // kube-proxy picks an endpoint for each flow by chance: enough flows to meet the remote one; and nothing is looked at while a change settles.
        var started = Stopwatch.GetTimestamp();
        for (var flow = 0; flow < 64 || first.Received == 0 || await agent.ReasonAsync("learn_nat") == translated; flow++)
        {
            Stopwatch.GetElapsedTime(started).ShouldBeLessThan(Eventually.Limit, "no translated flow was looked at");
            using var socket = Sockets.Udp(client, client.Address);
            socket.Connect(new IPEndPoint(service.ClusterAddress, LabService.Port));
            for (var i = 0; i < 4; i++)
            {
                _ = await socket.SendAsync("ask"u8.ToArray(), TestContext.Current.CancellationToken);
                (await Sockets.ReceiveAsync(socket, Patience.Long)).ShouldNotBeNull("the service did not answer");
            }
        }

        (await agent.HitsAsync(client)).ShouldBe(hits);
    }

    [Fact]
    public async Task A_flow_without_answers_stays_on_the_overlay()
    {
        var lab = await shared.ReadyAsync();
        using var receiver = Sockets.Udp(lab.Server);
        using var sender = Sockets.Udp(lab.Client);
        var before = await TotalHitsAsync(lab);

        for (var i = 0; i < Exchanges; i++)
        {
            _ = await sender.SendToAsync("tell"u8.ToArray(), Sockets.EndPoint(receiver));
            (await Sockets.ReceiveAsync(receiver, Patience.Long)).ShouldNotBeNull();
        }

        (await TotalHitsAsync(lab) - before).ShouldBe(0);
    }

    private static IPAddress AddressOf(LabMember member) => member switch
    {
        LabPod pod => pod.Address,
        LabNode node => node.Address,
        _ => throw new ArgumentOutOfRangeException(nameof(member)),
    };

    private static async Task<long> TotalHitsAsync(AcceleratedLab lab)
    {
        var sum = 0L;
        foreach (var agent in lab.Agents)
        {
            sum += (await agent.StatusAsync()).Totals.Hits;
        }

        return sum;
    }
}
