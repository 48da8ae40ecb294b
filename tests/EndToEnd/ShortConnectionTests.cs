using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab.Overlay;
using OnCache.Lab.Rules;
using OnCache.Lab.Topology;

namespace OnCache.EndToEnd;

/// <summary>Connections that begin on the fast path, because no policy asks for ports or peers.</summary>
public sealed class ShortConnectionTests
{
    private const int Connections = 50;

    // A connection vouches for the next one to the same port.
    private const int Port = 7001;
    private const string IsolateAll = """[{ metadata: { name: isolated, namespace: default }, spec: { podSelector: {} } }]""";
    private static readonly AgentConfig Unrestricted = new() { NetworkPolicies = "[]" };

    [Fact]
    public async Task They_are_hits_from_the_first_packet_and_conntrack_never_hears_of_them()
    {
        LiveLab.Require();
        await using var lab = await ShortAsync();
        var (slow, hits) = (await SlowSynsAsync(lab), await lab.AgentOf(lab.Client).HitsAsync(lab.Client));
        var known = await KnownToConntrackAsync(lab);

        for (var i = 0; i < Connections; i++)
        {
            await using var conversation = await TcpConversation.OpenAsync(lab.Client, lab.Server, Port);
            await conversation.ExchangeAsync(3);
            await conversation.CloseAsync();
        }

        (await SlowSynsAsync(lab)).ShouldBe(slow);
        (await lab.AgentOf(lab.Client).HitsAsync(lab.Client) - hits).Both.ShouldBeGreaterThan(Connections * 8);
        (await KnownToConntrackAsync(lab)).ShouldBeLessThanOrEqualTo(known);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task One_side_may_use_the_shortcut_alone(int proven)
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync();
        foreach (var (agent, i) in lab.Agents.Select(static (agent, i) => (agent, i)))
        {
            await agent.StartAsync(i == proven ? Unrestricted : new AgentConfig());
        }

        await lab.AcceleratedAsync();
        _ = await Eventually.ReadsAsync(() => SlowSynsOfOneConnectionAsync(lab, lab.Agents[proven]), static slow => slow == 0, "the shortcut in use");
        var before = await lab.Agents[1 - proven].ReasonAsync("tcp_syn");

        await using (var conversation = await TcpConversation.OpenAsync(lab.Client, lab.Server, Port))
        {
            await conversation.ExchangeAsync(20);
        }

        (await lab.Agents[1 - proven].ReasonAsync("tcp_syn")).ShouldBeGreaterThan(before);
    }

    [Fact]
    public async Task A_connection_that_is_flushed_goes_on_as_an_ordinary_one()
    {
        LiveLab.Require();
        await using var lab = await ShortAsync();
        await using var conversation = await TcpConversation.OpenAsync(lab.Client, lab.Server, Port);
        await conversation.ExchangeAsync(5);

        for (var i = 0; i < 3; i++)
        {
            await lab.FlushAsync();
            await conversation.ExchangeAsync(20);
            await lab.LearnAsync(conversation);
        }

        (await KnownToConntrackAsync(lab, "--state ESTABLISHED")).ShouldBeGreaterThan(0);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public async Task The_end_of_a_connection_arrives_though_conntrack_has_not_seen_it_begin(bool serverEnds, bool replaced)
    {
        LiveLab.Require();
        await using var lab = await ShortAsync();
        var (client, server) = await Sockets.ConnectAsync(lab.Client, lab.Server, Port);
        using (client)
        using (server)
        {
            // Or other maps take the place of those that know the connection.
            await (replaced ? lab.ConfigureAsync(Unrestricted with { CacheSizes = "{ filter: 4096 }" }) : lab.FlushAsync());
            if (replaced)
            {
                await Task.WhenAll(lab.Agents.Select(static agent => agent.UntilAsync(static status => status.Sizes.Filter.Capacity == 4096, "of the other size")));
            }

            var (ending, waiting) = serverEnds ? (server, client) : (client, server);

            // The first packet after it: without help conntrack would call it invalid, and the rules would drop it.
            ending.Shutdown(SocketShutdown.Send);

            (await Sockets.ReceiveAsync(waiting, Patience.Long)).ShouldNotBeNull("the end did not arrive").ShouldBeEmpty();
            waiting.Shutdown(SocketShutdown.Send);
            (await Sockets.ReceiveAsync(ending, Patience.Long)).ShouldNotBeNull("the other end did not arrive").ShouldBeEmpty();
        }
    }

    /// <summary>Neither node has an entry of it any more, and conntrack has never seen it: the FIN that comes again must be answered all the same.</summary>
    [Fact]
    public async Task A_last_acknowledgement_that_is_lost_on_the_wire_is_given_again()
    {
        LiveLab.Require();
        await using var lab = await ShortAsync();
        var (client, server) = await Sockets.ConnectAsync(lab.Client, lab.Server, Port);
        using (client)
        using (server)
        {
            client.Shutdown(SocketShutdown.Send);
            (await Sockets.ReceiveAsync(server, Patience.Long)).ShouldNotBeNull("the end did not arrive").ShouldBeEmpty();
            using (var lossy = ForeignProgram.Attach(lab.Client.Node, lab.Client.Node.UnderlayDevice, TcDirection.Egress, drops: true))
            {
                server.Dispose();
                await Eventually.HoldsAsync(() => lossy.Packets > 0, "the acknowledgement is lost");
            }

            _ = await Eventually.ReadsAsync(
                async () => (await lab.Server.DoAsync("ss -tanH state last-ack")).Trim(), static sockets => sockets.Length == 0, "the server's socket is closed");
        }
    }

    [Fact]
    public async Task Where_nobody_listens_the_refusal_arrives()
    {
        LiveLab.Require();
        await using var lab = await ShortAsync();

        for (var i = 0; i < 5; i++)
        {
            var refused = await Should.ThrowAsync<SocketException>(() => Sockets.ConnectAsync(lab.Client, new IPEndPoint(lab.Server.Address, Port)));
            refused.SocketErrorCode.ShouldBe(SocketError.ConnectionRefused);
        }
    }

    [Fact]
    public async Task Services_are_translated_as_ever()
    {
        LiveLab.Require();
        await using var lab = await ShortAsync();
        var service = lab.Overlay.Services.First(candidate => candidate.Endpoints.Contains(lab.Server.Address));
        using var remote = Sockets.Listener(lab.Server, lab.Server.Address, LabService.TargetPort);
        using var local = Sockets.Listener(lab.Client, lab.Client.Address, LabService.TargetPort);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var served = new int[2];
        var serving = Task.WhenAll(ServeAsync(remote, served, 0, stop.Token), ServeAsync(local, served, 1, stop.Token));

        for (var i = 0; i < 200 && served[0] < 5; i++)
        {
            using var socket = await Sockets.ConnectAsync(lab.Client, new IPEndPoint(service.ClusterAddress, LabService.Port));
            var message = BitConverter.GetBytes(i);
            _ = await socket.SendAsync(message, TestContext.Current.CancellationToken);
            (await Sockets.ReceiveAsync(socket, Patience.Long)).ShouldBe(message);
        }

        served[0].ShouldBeGreaterThanOrEqualTo(5, "connections to the remote pod");
        await stop.CancelAsync();
        await serving;
    }

    [Fact]
    public async Task A_policy_that_comes_takes_the_shortcut_back_and_denies_new_connections_at_once()
    {
        LiveLab.Require();
        await using var lab = await ShortAsync();
        using var listener = Sockets.Listener(lab.Server, lab.Server.Address, Port);
        await using var denial = await Denial.OfAsync(lab.Server.Node, lab.Client, lab.Server, cutEstablished: false);
        await lab.ConfigureAsync(Unrestricted with { NetworkPolicies = IsolateAll });
        foreach (var agent in lab.Agents)
        {
            _ = await agent.UntilAsync(static status => status.Endpoints.All(static endpoint => !endpoint.ShortConnections), "without the proof");
        }

        (await AnsweredAsync(lab.Client, Sockets.EndPoint(listener))).ShouldBeFalse();
    }

    /// <summary>The proof outlives its policy when the news is lost. What the CNI still lets pass between the pods must not renew the verdict on what it denies.</summary>
    [Fact]
    public async Task A_denial_that_no_agent_hears_of_holds_for_new_connections_after_one_lease()
    {
        var lease = TimeSpan.FromSeconds(3);
        LiveLab.Require();
        await using var lab = await ShortAsync(Unrestricted with { Lease = $"{lease.TotalSeconds:F0}s" });
        using var listener = Sockets.Listener(lab.Server, lab.Server.Address, Port);
        await using var otherPort = await TcpConversation.OpenAsync(lab.Client, lab.Server);
        await using var otherWay = await TcpConversation.OpenAsync(lab.Server, lab.Client);
        await using var denial = await Denial.OfAsync(lab.Server.Node, lab.Client, lab.Server, cutEstablished: false);

        // The programs' clock ticks, and a SYN may be under way.
        var (denied, bound) = (Stopwatch.GetTimestamp(), lease + TimeSpan.FromMilliseconds(250));
        for (var late = 0; late < 5;)
        {
            await otherPort.ExchangeAsync(20);
            await otherWay.ExchangeAsync(20);
            await using var again = await TcpConversation.OpenAsync(lab.Server, lab.Client, Port);
            var isLate = Stopwatch.GetElapsedTime(denied) > bound;
            var answered = await AnsweredAsync(lab.Client, Sockets.EndPoint(listener));
            if (isLate)
            {
                answered.ShouldBeFalse("a connection began that the CNI denies, more than a lease after it began to");
                late++;
            }
        }
    }

    /// <summary>The answer to a SYN passes as established, however late it comes: what the CNI was asked was the SYN.</summary>
    [Fact]
    public async Task A_handshake_that_takes_longer_than_a_lease_vouches_for_nobody()
    {
        var lease = TimeSpan.FromSeconds(3);
        const string AnswerIsLost = "INPUT -p tcp --tcp-flags SYN,ACK SYN,ACK -j DROP";
        LiveLab.Require();
        await using var lab = await ShortAsync(Unrestricted with { Lease = $"{lease.TotalSeconds:F0}s" });
        using var listener = Sockets.Listener(lab.Server, lab.Server.Address, Port);
        await Task.Delay(lease + TimeSpan.FromMilliseconds(250), TestContext.Current.CancellationToken);

        await lab.Client.DoAsync($"iptables -I {AnswerIsLost}");
        var connecting = Sockets.ConnectAsync(lab.Client, Sockets.EndPoint(listener));
        _ = await Eventually.ReadsAsync(
            async () => await lab.Server.Node.DoAsync($"conntrack -L -p tcp --src {lab.Client.Address} --dport {Port}"),
            static entries => entries.Contains(" SYN_RECV ", StringComparison.Ordinal),
            "the SYN has passed");
        await using var denial = await Denial.OfAsync(lab.Server.Node, lab.Client, lab.Server, cutEstablished: false);
        await Task.Delay(lease, TestContext.Current.CancellationToken);
        await lab.Client.DoAsync($"iptables -D {AnswerIsLost}");
        using var late = await connecting;

        for (var i = 0; i < 5; i++)
        {
            (await AnsweredAsync(lab.Client, Sockets.EndPoint(listener))).ShouldBeFalse("a connection began that the CNI denies");
        }
    }

    [Fact]
    public async Task An_excluded_port_never_uses_it()
    {
        LiveLab.Require();
        await using var lab = await ShortAsync();
        await lab.ConfigureAsync(Unrestricted with { Exclusions = "{ ports: [{ protocol: TCP, port: 7777 }] }" });
        _ = await Eventually.ReadsAsync(() => SlowSynsOfOneConnectionAsync(lab, lab.Agents[0]), static slow => slow == 0, "the shortcut for other ports");
        using var listener = Sockets.Listener(lab.Server, lab.Server.Address, 7777);
        for (var i = 0; i < 3; i++)
        {
            var before = await lab.Agents[0].ReasonAsync("tcp_syn");

            using var socket = await Sockets.ConnectAsync(lab.Client, Sockets.EndPoint(listener));

            (await lab.Agents[0].ReasonAsync("tcp_syn")).ShouldBeGreaterThan(before);
        }
    }

    /// <summary>Which a pair knows nothing of: it must not open what the rule has to see.</summary>
    [Fact]
    public async Task A_rule_that_asks_for_the_asking_sides_port_sees_each_connection_from_it()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync();
        await lab.Overlay.Nodes[0].DoAsync($"iptables -t mangle -A FORWARD -p tcp --sport 40000:40010 --dport {Port} -m conntrack --ctstate ESTABLISHED -j DSCP --set-dscp 46");
        await lab.StartAsync(Unrestricted);
        _ = await Eventually.ReadsAsync(() => SlowSynsOfOneConnectionAsync(lab, lab.Agents[0]), static slow => slow == 0, "the shortcut for other ports");

        for (var port = 40000; port < 40003; port++)
        {
            using var tap = new FrameTap(lab.Server);
            using var listener = Sockets.Listener(lab.Server, lab.Server.Address, Port);
            var accepting = listener.AcceptAsync(TestContext.Current.CancellationToken).AsTask();
            using var asking = await Sockets.ConnectAsync(lab.Client, Sockets.EndPoint(listener), port);
            using var answering = await accepting;
            await using var conversation = new TcpConversation(lab.Client, lab.Server, asking, answering);
            await conversation.ExchangeAsync(5);

            tap.Take().Where(frame => IsFrom(frame.Bytes, port)).Skip(1).Select(static frame => frame.Bytes[TosAt] >> 2).Distinct().ShouldBe([46]);
        }
    }

    /// <summary>Here by a rule that is to be ignored; a program that no rule announces does the same.</summary>
    [Fact]
    public async Task A_connection_whose_syn_is_rewritten_vouches_for_no_other()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync();
        // Its answer stays as it is: what was seen of the SYN has to be kept for it.
        await lab.Overlay.Nodes[1].DoAsync("iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,ACK SYN -j TCPMSS --set-mss 1200");
        await lab.StartAsync(Unrestricted with { Protocols = "[TCP]\n    hostRules: Ignore" });
        await lab.AcceleratedAsync();

        for (var i = 0; i < 6; i++)
        {
            var before = await lab.Agents[1].ReasonAsync("tcp_syn");
            await using var conversation = await TcpConversation.OpenAsync(lab.Client, lab.Server, Port);
            await conversation.ExchangeAsync(5);

            (await lab.Agents[1].ReasonAsync("tcp_syn")).ShouldBeGreaterThan(before);
        }
    }

    /// <summary>Or a pod could fill the cache with what nobody answers.</summary>
    [Fact]
    public async Task Syns_between_pods_of_a_node_take_no_room_in_the_cache()
    {
        const int Syns = 200;
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync(new LabOptions { Pods = 2 });
        await lab.StartAsync(Unrestricted);
        var pods = lab.Overlay.Nodes[0].Pods;
        var agent = lab.Agents[0];
        var local = await agent.ReasonAsync("learn_not_established");
        for (var i = 0; i < Syns; i++)
        {
            using var socket = pods[1].Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            (await Should.ThrowAsync<SocketException>(async () => await socket.ConnectAsync(new IPEndPoint(pods[0].Address, Port)))).SocketErrorCode.ShouldBe(SocketError.ConnectionRefused);
        }

        (await agent.ReasonAsync("learn_not_established")).ShouldBeGreaterThanOrEqualTo(local + Syns);
        using var cache = PinnedMaps.TryOpen(PinDirectory.At(agent.Node.BpfRoot), MapNames.FilterCache)!;
        new BpfMap<FlowKey, FilterEntry>(MapNames.FilterCache, cache.Value).Keys().Count(key => key.LocalIp == SlotIndex.ToNetwork(Ipv4Address.From(pods[1].Address))).ShouldBe(0);
    }

    private const int TosAt = 15;

    private static bool IsFrom(byte[] frame, int port)
    {
        const int TypeAt = 12, ProtocolAt = 23, PortAt = 34, Least = 40;
        const byte Tcp = 6;
        return frame.Length > Least && BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(TypeAt)) == 0x0800 && frame[ProtocolAt] == Tcp
            && BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(PortAt)) == port;
    }

    [Fact]
    public async Task Where_conntrack_picks_nothing_up_there_is_no_shortcut()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync();
        foreach (var node in lab.Overlay.Nodes)
        {
            await node.DoAsync("sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0");
        }

        await lab.StartAsync(Unrestricted);

        foreach (var agent in lab.Agents)
        {
            (await agent.StatusAsync()).Endpoints.ShouldAllBe(static endpoint => !endpoint.ShortConnections);
        }
    }

    /// <summary>A lab in which the two pods' connections begin on the fast path at both nodes.</summary>
    private static async Task<AcceleratedLab> ShortAsync(AgentConfig? config = null)
    {
        var lab = await AcceleratedLab.PlainAsync();
        try
        {
            await lab.StartAsync(config ?? Unrestricted);
            foreach (var agent in lab.Agents)
            {
                _ = await agent.UntilAsync(static status => status.Endpoints.All(static endpoint => endpoint.ShortConnections), "having proven its pods unrestricted");
                _ = await Eventually.ReadsAsync(() => SlowSynsOfOneConnectionAsync(lab, agent), static slow => slow == 0, "the shortcut in use");
            }

            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether a connection begins within half a second.</summary>
    private static async Task<bool> AnsweredAsync(LabPod client, EndPoint to)
    {
        using var socket = client.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        using var patience = Patience.Of(TimeSpan.FromMilliseconds(500));
        try
        {
            await socket.ConnectAsync(to, patience.Token);
            return true;
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            return false;
        }
    }

    private static async Task<long> SlowSynsOfOneConnectionAsync(AcceleratedLab lab, LabAgent agent)
    {
        var before = await agent.ReasonAsync("tcp_syn");
        await using (var conversation = await TcpConversation.OpenAsync(lab.Client, lab.Server, Port))
        {
            await conversation.ExchangeAsync(2);
            await conversation.CloseAsync();
        }

        return await agent.ReasonAsync("tcp_syn") - before;
    }

    private static async Task<long> SlowSynsAsync(AcceleratedLab lab)
    {
        var sum = 0L;
        foreach (var agent in lab.Agents)
        {
            sum += await agent.ReasonAsync("tcp_syn");
        }

        return sum;
    }

    /// <summary>How many connections of the client's the nodes' conntrack holds, those that have ended for a while included.</summary>
    private static async Task<int> KnownToConntrackAsync(AcceleratedLab lab, string which = "")
    {
        var sum = 0;
        foreach (var node in lab.Overlay.Nodes)
        {
            var table = await node.DoAsync($"conntrack -L -p tcp {which} --src {lab.Client.Address} --dst {lab.Server.Address}");
            sum += table.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
        }

        return sum;
    }

    private static async Task ServeAsync(Socket listener, int[] served, int index, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                using var connection = await listener.AcceptAsync(cancellationToken);
                var buffer = new byte[16];
                var length = await connection.ReceiveAsync(buffer, cancellationToken);
                _ = await connection.SendAsync(buffer.AsMemory(0, length), cancellationToken);
                _ = Interlocked.Increment(ref served[index]);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The test is over.
        }
    }
}
