using System.Net;
using System.Net.Sockets;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd;

/// <summary>What the CNI forbids does not pass, cached or not.</summary>
public sealed class PolicyTests(SharedLab shared) : IClassFixture<SharedLab>
{
    private const int Packets = 50;

    public enum Side
    {
        Sender,
        Receiver,
    }

    [Theory]
    [InlineData(Side.Sender)]
    [InlineData(Side.Receiver)]
    public async Task After_a_denial_and_a_flush_nothing_of_a_cached_flow_arrives(Side side)
    {
        var lab = await shared.ReadyAsync();
        var node = side == Side.Sender ? lab.Client.Node : lab.Server.Node;
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);
        await using (var denial = await Denial.OfAsync(node, lab.Client, lab.Server, cutEstablished: true))
        {
            await lab.AgentOf(side == Side.Sender ? lab.Client : lab.Server).FlushAsync();
            var arrived = conversation.Echo.Received;

            await SendAsync(conversation.Socket, Packets);
            await SeeOtherTrafficAsync(lab, conversation.Echo);

            conversation.Echo.Received.ShouldBe(arrived + 1);
        }

        await conversation.ExchangeAsync(1);
        await lab.LearnAsync(conversation);
    }

    [Theory]
    [InlineData(Side.Sender, "Accelerate")]
    [InlineData(Side.Sender, "Disabled")]
    [InlineData(Side.Receiver, "Accelerate")]
    [InlineData(Side.Receiver, "Disabled")]
    public async Task A_denial_of_new_flows_spares_the_established_as_on_the_overlay(Side side, string mode)
    {
        var lab = await shared.ReadyAsync();
        await lab.ConfigureAsync(new AgentConfig { Mode = mode });
        var node = side == Side.Sender ? lab.Client.Node : lab.Server.Node;
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await conversation.ExchangeAsync(4);
        var cached = mode == "Accelerate";
        await (cached ? lab.LearnAsync(conversation) : Task.CompletedTask);

        await using var denial = await Denial.OfAsync(node, lab.Client, lab.Server, cutEstablished: false);
        await (cached ? lab.FlushAsync() : Task.CompletedTask);
        var arrived = conversation.Echo.Received;
        using var newcomer = Sockets.Udp(lab.Client);
        newcomer.Connect(conversation.Echo.EndPoint);
        await SendAsync(newcomer, Packets);
        await conversation.ExchangeAsync(Packets);

        conversation.Echo.Received.ShouldBe(arrived + Packets);
    }

    [Theory]
    [InlineData(Side.Sender)]
    [InlineData(Side.Receiver)]
    public async Task A_connection_that_reuses_cached_ports_meets_a_new_denial_without_any_flush(Side side)
    {
        var lab = await shared.ReadyAsync();
        var node = side == Side.Sender ? lab.Client.Node : lab.Server.Node;
        using var listener = Sockets.Listener(lab.Server, lab.Server.Address);
        var port = await TalkAndCloseAsync(lab, listener, fromPort: 0);
        await using (var denial = await Denial.OfAsync(node, lab.Client, lab.Server, cutEstablished: false))
        {
            (await IsOpenedAsync(lab.Client, listener, port, Patience.Short)).ShouldBeFalse();
        }

        (await IsOpenedAsync(lab.Client, listener, port, Patience.Long)).ShouldBeTrue();
    }

    /// <summary>A connection that is on the fast path until the server closes it; its ports are the client's to use again.</summary>
    private static async Task<int> TalkAndCloseAsync(AcceleratedLab lab, Socket listener, int fromPort)
    {
        var accepting = listener.AcceptAsync(TestContext.Current.CancellationToken);
        using var client = await Sockets.ConnectAsync(lab.Client, Sockets.EndPoint(listener), fromPort);
        using var server = await accepting;
        await using var conversation = new TcpConversation(lab.Client, lab.Server, client, server);
        await lab.LearnAsync(conversation);
        server.Shutdown(SocketShutdown.Both);
        (await Sockets.ReceiveAsync(client, Patience.Long)).ShouldBeEmpty();
        return Sockets.EndPoint(client).Port;
    }

    private static async Task<bool> IsOpenedAsync(LabPod client, Socket listener, int fromPort, TimeSpan limit)
    {
        using var socket = client.Run(() =>
        {
            var made = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            made.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            made.Bind(new IPEndPoint(client.Address, fromPort));
            return made;
        });
        using var patience = Patience.Of(limit);
        try
        {
            await socket.ConnectAsync(listener.LocalEndPoint!, patience.Token);
            using var accepted = await listener.AcceptAsync(patience.Token);
            return true;
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private static async Task SendAsync(Socket socket, int packets)
    {
        for (var i = 0; i < packets; i++)
        {
            _ = await socket.SendAsync("tell"u8.ToArray(), TestContext.Current.CancellationToken);
        }
    }

    /// <summary>One datagram of another pod to the same place, answered: what was sent before it would have arrived.</summary>
    private static async Task SeeOtherTrafficAsync(AcceleratedLab lab, UdpEcho echo)
    {
        using var other = Sockets.Udp(lab.Client.Node.Pods[1]);
        _ = await other.SendToAsync("see"u8.ToArray(), echo.EndPoint);
        (await Sockets.ReceiveAsync(other, Patience.Long)).ShouldNotBeNull();
    }
}
