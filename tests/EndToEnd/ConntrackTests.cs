using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd;

/// <summary>The nodes' conntrack keeps knowing what the fast path carries past it.</summary>
public sealed class ConntrackTests
{
    private const int UdpTimeoutSeconds = 2;
    private const int Connections = 200;
    private static readonly TimeSpan PushPause = TimeSpan.FromMilliseconds(50);

    [Fact]
    public async Task A_flow_that_only_the_server_feeds_outlives_the_udp_timeout_on_the_fast_path()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync();
        foreach (var node in lab.Overlay.Nodes)
        {
            await node.DoAsync($"sysctl -qw net.netfilter.nf_conntrack_udp_timeout={UdpTimeoutSeconds}");
            await node.DoAsync($"sysctl -qw net.netfilter.nf_conntrack_udp_timeout_stream={UdpTimeoutSeconds}");
        }

        await lab.StartAsync();
        using var server = Sockets.Udp(lab.Server);
        using var client = Sockets.Udp(lab.Client);
        client.Connect(Sockets.EndPoint(server));
        server.Connect(Sockets.EndPoint(client));
        var agents = (LabAgent[])[lab.AgentOf(lab.Client), lab.AgentOf(lab.Server)];
        _ = await Eventually.ReadsAsync(
            async () =>
            {
                var before = await agents[0].HitsAsync(lab.Client);
                await PassAsync(client, server);
                await PassAsync(server, client);
                return await agents[0].HitsAsync(lab.Client) - before;
            },
            static grown => grown == new Hits(1, 1),
            "the flow on the fast path");

        // Counted in packets: three times the timeout passes at least.
        var packets = 3 * UdpTimeoutSeconds * (int)(TimeSpan.FromSeconds(1) / PushPause);
        var (received, sent) = (await agents[0].HitsAsync(lab.Client), await agents[1].HitsAsync(lab.Server));
        for (var i = 0; i < packets; i++)
        {
            await PassAsync(server, client);
            await Task.Delay(PushPause, TestContext.Current.CancellationToken);
        }

        (await agents[0].HitsAsync(lab.Client) - received).ShouldBe(new Hits(0, packets));
        (await agents[1].HitsAsync(lab.Server) - sent).ShouldBe(new Hits(packets, 0));
        foreach (var node in lab.Overlay.Nodes)
        {
            var entries = await node.DoAsync($"conntrack -L -p udp --src {lab.Client.Address} --dst {lab.Server.Address}");
            entries.ShouldContain($"sport={Sockets.EndPoint(client).Port}");
        }
    }

    [Fact]
    public async Task Connections_that_end_on_the_fast_path_do_not_stay_established_in_conntrack()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.UpAsync();
        var before = await lab.AgentOf(lab.Client).HitsAsync(lab.Client);
        for (var i = 0; i < Connections; i++)
        {
            await using var conversation = await TcpConversation.OpenAsync(lab.Client, lab.Server);
            await conversation.ExchangeAsync(5);
        }

        (await lab.AgentOf(lab.Client).HitsAsync(lab.Client) - before).Both.ShouldBeGreaterThan(Connections * 4);
        foreach (var node in lab.Overlay.Nodes)
        {
            var longLived = await EstablishedAsync(node, lab.Client);
            longLived.ShouldBeEmpty();
        }
    }

    /// <summary>As on the plain overlay, and within a second: what counts open connections must not count those that are over.</summary>
    [Theory]
    [InlineData(false, "TIME_WAIT", 60, 120)]
    [InlineData(true, "CLOSE", 0, 10)]
    public async Task Conntrack_knows_how_a_connection_ended_within_a_second(bool reset, string state, int least, int most)
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.UpAsync();
        var (asking, answering) = await Sockets.ConnectAsync(lab.Client, lab.Server, 7777);
        var conversation = new TcpConversation(lab.Client, lab.Server, asking, answering);
        await lab.LearnAsync(conversation);
        var port = Sockets.EndPoint(asking).Port;

        if (reset)
        {
            asking.LingerState = new LingerOption(enable: true, seconds: 0);
            await conversation.DisposeAsync();
        }
        else
        {
            await conversation.CloseAsync();
            await conversation.DisposeAsync();
        }

        await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        foreach (var node in lab.Overlay.Nodes)
        {
            var entry = await node.DoAsync($"conntrack -L -p tcp --src {lab.Client.Address} --sport {port}");
            entry.ShouldContain($" {state} ");
            int.Parse(entry.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2], CultureInfo.InvariantCulture).ShouldBeInRange(least, most);
        }
    }

    /// <summary>The other side takes a RST outside its window for nothing, and so does conntrack.</summary>
    [Fact]
    public async Task A_forged_reset_does_not_end_a_connection_that_goes_on()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.UpAsync();
        var (asking, answering) = await Sockets.ConnectAsync(lab.Client, lab.Server, 7777);
        await using var conversation = new TcpConversation(lab.Client, lab.Server, asking, answering);
        await lab.LearnAsync(conversation);
        var port = Sockets.EndPoint(asking).Port;
        using var raw = Sockets.Raw(lab.Client, ProtocolType.Tcp);
        var reset = new byte[20];
        BinaryPrimitives.WriteUInt16BigEndian(reset, (ushort)port);
        BinaryPrimitives.WriteUInt16BigEndian(reset.AsSpan(2), 7777);
        BinaryPrimitives.WriteUInt32BigEndian(reset.AsSpan(4), 12345);
        (reset[12], reset[13]) = (0x50, 0x04);

        for (var i = 0; i < 3; i++)
        {
            _ = raw.SendTo(reset, new IPEndPoint(lab.Server.Address, 0));
            // Long enough for an agent to have told conntrack of it.
            await Task.Delay(TimeSpan.FromMilliseconds(500), TestContext.Current.CancellationToken);
            await conversation.ExchangeAsync(2);
            await Task.Delay(TimeSpan.FromMilliseconds(500), TestContext.Current.CancellationToken);
            foreach (var node in lab.Overlay.Nodes)
            {
                (await node.DoAsync($"conntrack -L -p tcp --src {lab.Client.Address} --sport {port}")).ShouldContain(" ESTABLISHED ");
            }

            await lab.LearnAsync(conversation);
        }
    }

    [Fact]
    public async Task The_ports_of_a_connection_that_is_over_can_be_used_again_at_once()
    {
        const int Times = 20;
        LiveLab.Require();
        await using var lab = await AcceleratedLab.UpAsync();
        await using (var first = await TcpConversation.OpenAsync(lab.Client, lab.Server))
        {
            // Nothing is learned until the agent's own start has settled.
            await lab.LearnAsync(first);
        }

        var (port, before) = (0, await lab.AgentOf(lab.Client).HitsAsync(lab.Client));
        using var listener = Sockets.Listener(lab.Server, lab.Server.Address, 7777);
        for (var i = 0; i < Times; i++)
        {
            var accepting = listener.AcceptAsync(TestContext.Current.CancellationToken);
            using var asking = await Sockets.ConnectAsync(lab.Client, Sockets.EndPoint(listener), port);
            using var answering = await accepting;
            port = Sockets.EndPoint(asking).Port;
            await using var conversation = new TcpConversation(lab.Client, lab.Server, asking, answering);
            await conversation.ExchangeAsync(5);

            // A reset leaves nothing behind at either end.
            answering.LingerState = new LingerOption(enable: true, seconds: 0);
            answering.Dispose();
            _ = await Should.ThrowAsync<SocketException>(async () => await asking.ReceiveAsync(new byte[1], TestContext.Current.CancellationToken));
        }

        (await lab.AgentOf(lab.Client).HitsAsync(lab.Client) - before).Both.ShouldBeGreaterThan(Times * 4);
    }

    /// <summary>kube-proxy's rules drop what conntrack calls INVALID; a FIN that is lost is repeated until it is acknowledged.</summary>
    [Fact]
    public async Task A_fin_that_is_lost_is_repeated_and_passes()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.UpAsync();
        var (asking, answering) = await Sockets.ConnectAsync(lab.Client, lab.Server, 7777);
        var conversation = new TcpConversation(lab.Client, lab.Server, asking, answering);
        await lab.LearnAsync(conversation);
        var pods = (LabPod[])[lab.Client, lab.Server];
        foreach (var pod in pods)
        {
            // Behind both nodes, which have seen it and have told conntrack: the first one, of 52 bytes.
            await pod.DoAsync("iptables -I INPUT -p tcp --tcp-flags FIN FIN -m quota --quota 60 -j DROP");
        }

        await conversation.CloseAsync();
        await conversation.DisposeAsync();

        foreach (var pod in pods)
        {
            _ = await Eventually.ReadsAsync(
                async () => await pod.DoAsync("ss -tanH state last-ack state fin-wait-1 state fin-wait-2 state closing"),
                static sockets => sockets.Trim().Length == 0,
                "no socket of either pod waits for an acknowledgement");
        }

        foreach (var pod in pods)
        {
            (await pod.DoAsync("iptables -nvxL INPUT")).ShouldContain(" 1       52 DROP", customMessage: "one was lost");
        }
    }

    /// <summary>Who waits for the last acknowledgement repeats its FIN: after conntrack was told that the connection is over.</summary>
    [Fact]
    public async Task A_last_acknowledgement_that_is_lost_is_given_again()
    {
        const int Lost = 3;
        LiveLab.Require();
        await using var lab = await AcceleratedLab.UpAsync();
        var (asking, answering) = await Sockets.ConnectAsync(lab.Client, lab.Server, 7777);
        await using var conversation = new TcpConversation(lab.Client, lab.Server, asking, answering);
        await lab.LearnAsync(conversation);

        asking.Shutdown(SocketShutdown.Send);
        (await answering.ReceiveAsync(new byte[1], TestContext.Current.CancellationToken)).ShouldBe(0);
        _ = await SocketsInAsync(lab.Client, "fin-wait-2", static sockets => sockets.Length > 0);
        // 52 octets each, 0.2, 0.4 and 0.8 s apart.
        await lab.Server.DoAsync($"iptables -I INPUT -p tcp --tcp-flags FIN,RST,ACK ACK -m quota --quota {Lost * 52} -j DROP");
        answering.Dispose();

        _ = await SocketsInAsync(lab.Server, "last-ack", static sockets => sockets.Length > 0);
        _ = await SocketsInAsync(lab.Server, "last-ack", static sockets => sockets.Length == 0);
        (await lab.Server.DoAsync("iptables -nvxL INPUT")).ShouldContain($" {Lost}      {Lost * 52} DROP", customMessage: "so many were lost");
    }

    /// <summary>Conntrack takes it for a sign of life, and nobody is left to tell it otherwise: it would hold the entry for days, past any policy.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_packet_that_comes_after_the_end_does_not_revive_the_connection(bool agentIsSilent)
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.UpAsync();
        var (asking, answering) = await Sockets.ConnectAsync(lab.Client, lab.Server, 7777);
        var conversation = new TcpConversation(lab.Client, lab.Server, asking, answering);
        await lab.LearnAsync(conversation);
        var port = Sockets.EndPoint(asking).Port;
        using var raw = Sockets.Raw(lab.Client, ProtocolType.Tcp);
        foreach (var agent in lab.Agents)
        {
            agent.Suspend();
        }

        try
        {
            await conversation.CloseAsync();
            await conversation.DisposeAsync();
            if (agentIsSilent)
            {
                // Until nothing takes the fast path any more.
                await Task.Delay(TimeSpan.FromSeconds(5.5), TestContext.Current.CancellationToken);
            }
            else
            {
                foreach (var agent in lab.Agents)
                {
                    agent.Resume();
                }

                await lab.FlushAsync();
            }

            var late = new byte[20];
            BinaryPrimitives.WriteUInt16BigEndian(late, (ushort)port);
            BinaryPrimitives.WriteUInt16BigEndian(late.AsSpan(2), 7777);
            (late[12], late[13]) = (0x50, 0x10);
            _ = raw.SendTo(late, new IPEndPoint(lab.Server.Address, 0));
            // It is answered: both nodes have seen it.
            (await Sockets.ReceiveAsync(raw, Patience.Long)).ShouldNotBeNull();

            foreach (var node in lab.Overlay.Nodes)
            {
                (await EstablishedAsync(node, lab.Client)).ShouldBeEmpty();
            }
        }
        finally
        {
            foreach (var agent in lab.Agents)
            {
                agent.Resume();
            }
        }
    }

    /// <summary>Who does not know that the connection was reset goes on, and is told again.</summary>
    [Fact]
    public async Task A_reset_that_is_lost_is_given_again()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.UpAsync();
        var (asking, answering) = await Sockets.ConnectAsync(lab.Client, lab.Server, 7777);
        await using var conversation = new TcpConversation(lab.Client, lab.Server, asking, answering);
        await lab.LearnAsync(conversation);
        await lab.Server.DoAsync("iptables -I INPUT -p tcp --tcp-flags RST RST -j DROP");

        asking.LingerState = new LingerOption(enable: true, seconds: 0);
        asking.Dispose();
        foreach (var node in lab.Overlay.Nodes)
        {
            _ = await Eventually.ReadsAsync(
                async () => await node.DoAsync($"conntrack -L -p tcp --src {lab.Client.Address} --dport 7777"),
                static entries => entries.Contains(" CLOSE ", StringComparison.Ordinal),
                "conntrack knows of the reset");
        }

        (await lab.Server.DoAsync("iptables -nvxL INPUT")).ShouldMatch("(?m)^ +[1-9][0-9]* +[0-9]+ DROP ", "it was lost");
        await lab.Server.DoAsync("iptables -D INPUT 1");
        _ = await answering.SendAsync("anybody there?"u8.ToArray(), TestContext.Current.CancellationToken);

        (await Should.ThrowAsync<SocketException>(async () => await answering.ReceiveAsync(new byte[1], TestContext.Current.CancellationToken)))
            .SocketErrorCode.ShouldBe(SocketError.ConnectionReset);
    }

    [Theory]
    [InlineData("absent", "cannot be read")]
    [InlineData("read-only", "cannot be set to 1")]
    public async Task Where_conntrack_cannot_be_made_liberal_tcp_stays_on_the_cnis_path_and_the_status_says_so(string folder, string why)
    {
        const int Exchanges = 20;
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync();
        var settings = Path.Combine(lab.Overlay.Folder, folder);
        if (folder == "read-only")
        {
            // A setting that no namespace but the first may write, not even by root; it is never 1.
            _ = Directory.CreateDirectory(settings);
            _ = File.CreateSymbolicLink(Path.Combine(settings, "nf_conntrack_tcp_be_liberal"), "/proc/sys/net/netfilter/nf_conntrack_buckets");
        }

        await lab.StartAsync(config: null, "--conntrack-sysctl", settings);
        var agent = lab.AgentOf(lab.Client);
        var warning = (await agent.StatusAsync()).Warnings.ShouldHaveSingleItem();
        warning.ShouldStartWith("TCP stays on the CNI's path: ");
        warning.ShouldContain(why);

        await using var udp = new UdpConversation(lab.Client, lab.Server);
        await using var tcp = await TcpConversation.OpenAsync(lab.Client, lab.Server);
        await lab.LearnAsync(udp);
        var counted = await agent.ReasonAsync("disabled");
        (await lab.CountAsync(tcp, Exchanges)).ShouldBe(default);
        (await agent.ReasonAsync("disabled") - counted).ShouldBeGreaterThanOrEqualTo(2 * Exchanges);
        (await lab.CountAsync(udp, Exchanges)).AreAllOf(Exchanges).ShouldBeTrue();
    }

    private static Task<string> SocketsInAsync(LabPod pod, string state, Func<string, bool> expected) =>
        Eventually.ReadsAsync(async () => (await pod.DoAsync($"ss -tanH state {state}")).Trim(), expected, $"sockets of {pod.Name} in the state {state}");

    private static async Task PassAsync(Socket from, Socket to)
    {
        _ = await from.SendAsync("push"u8.ToArray(), TestContext.Current.CancellationToken);
        (await Sockets.ReceiveAsync(to, Patience.Long)).ShouldNotBeNull();
    }

    /// <summary>The entries that conntrack would keep for longer than a connection that is closing may take.</summary>
    private static async Task<IReadOnlyList<string>> EstablishedAsync(LabNode node, LabPod client)
    {
        const int LongestClosing = 120;
        var table = await node.DoAsync($"conntrack -L -p tcp --src {client.Address}");
        return
        [
            .. table.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Where(static line => SecondsLeft(line) > LongestClosing),
        ];

        static int SecondsLeft(string line) =>
            int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2], CultureInfo.InvariantCulture);
    }
}
