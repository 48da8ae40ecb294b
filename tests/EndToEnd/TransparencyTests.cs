using System.Net;
using System.Net.Sockets;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd;

/// <summary>An application cannot tell the fast path from the overlay by what it receives.</summary>
public sealed class TransparencyTests(SharedLab shared) : IClassFixture<SharedLab>
{
    private const int CongestionExperienced = 3;
    private const long Megabyte = 1 << 20;

    [Fact]
    public async Task Ttl_dscp_and_ecn_arrive_as_on_the_overlay()
    {
        var lab = await shared.ReadyAsync();
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.ConfigureAsync(new AgentConfig { Mode = "Disabled" });
        var overlay = await SendEachTosAsync(conversation);
        await lab.ConfigureAsync(new AgentConfig());
        await lab.LearnAsync(conversation);
        var before = await lab.AgentOf(lab.Client).HitsAsync(lab.Client);

        var cached = await SendEachTosAsync(conversation);

        cached.ShouldBe(overlay);
        cached.Select(static packet => (int)packet.Tos).ShouldBe(Enumerable.Range(0, 256));
        cached.ShouldAllBe(static packet => packet.Ttl == 62);
        var marked = Enumerable.Range(0, 256).Count(static tos => (tos & 3) == CongestionExperienced);
        (await lab.AgentOf(lab.Client).HitsAsync(lab.Client) - before).Egress.ShouldBe(256 - marked);
    }

    [Fact]
    public async Task A_forged_tos_teaches_nothing()
    {
        var lab = await shared.ReadyAsync();
        using var receiver = Sockets.Udp(lab.Server);
        using var sender = Sockets.Udp(lab.Client);
        var agents = (LabAgent[])[lab.AgentOf(lab.Client), lab.AgentOf(lab.Server)];
        var egress = await agents[0].HitsAsync(lab.Client);
        var ingress = await agents[1].HitsAsync(lab.Server);

        // No answer ever: whatever the bits say, this flow is not established.
        for (var round = 0; round < 2; round++)
        {
            for (var tos = 0; tos < 256; tos++)
            {
                sender.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.TypeOfService, tos);
                _ = await sender.SendToAsync("tell"u8.ToArray(), Sockets.EndPoint(receiver));
                (await Sockets.ReceiveAsync(receiver, Patience.Long)).ShouldNotBeNull();
            }
        }

        (await agents[0].HitsAsync(lab.Client)).ShouldBe(egress);
        (await agents[1].HitsAsync(lab.Server)).ShouldBe(ingress);
    }

    [Fact]
    public async Task A_sender_that_probes_the_path_mtu_learns_it()
    {
        var lab = await shared.ReadyAsync();
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);
        await SetMtuAsync(lab.Client, lab.Overlay.Mtu);
        try
        {
            await lab.AcceleratedAsync();
            await lab.LearnAsync(conversation);
            conversation.Socket.DontFragment = true;
            var most = lab.Overlay.PodMtu - 28;

            // Fits the pod's own device and not the tunnel: somebody on the way has to say so.
            _ = await Eventually.ReadsAsync(
                async () =>
                {
                    _ = await TrySendAsync(conversation.Socket, most + 1);
                    return PathMtu(conversation.Socket);
                },
                mtu => mtu == lab.Overlay.PodMtu,
                "told of the path's MTU");

            // The refusal also waits as the socket's error until somebody asks.
            _ = conversation.Socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error);
            await conversation.ExchangeAsync(new byte[most]);
            (await lab.AgentOf(lab.Client).ReasonAsync("mtu")).ShouldBePositive();
        }
        finally
        {
            await SetMtuAsync(lab.Client, lab.Overlay.PodMtu);
        }
    }

    [Theory]
    [InlineData(1473, "fragment")]
    [InlineData(3000, "fragment")]
    [InlineData(20000, "fragment")]
    public async Task Fragments_arrive_whole_by_the_overlay(int bytes, string reason)
    {
        var lab = await shared.ReadyAsync();
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);
        var agent = lab.AgentOf(lab.Client);
        var (hits, counted) = (await agent.HitsAsync(lab.Client), await agent.ReasonAsync(reason));
        var datagram = new byte[bytes];
        new Random(bytes).NextBytes(datagram);

        await conversation.ExchangeAsync(datagram);

        (await agent.HitsAsync(lab.Client)).ShouldBe(hits);
        (await agent.ReasonAsync(reason) - counted).ShouldBeGreaterThanOrEqualTo(4);
    }

    [Fact]
    public async Task Packets_with_ip_options_arrive_by_the_overlay()
    {
        var lab = await shared.ReadyAsync();
        await using var conversation = new UdpConversation(lab.Client, lab.Server);
        await lab.LearnAsync(conversation);
        using var observer = new PacketObserver(lab.Server);
        var agent = lab.AgentOf(lab.Client);
        var (egress, counted) = ((await agent.HitsAsync(lab.Client)).Egress, await agent.ReasonAsync("ip_options"));

        // Three "no operation" and "end of list".
        conversation.Socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.IPOptions, (byte[])[1, 1, 1, 0]);
        await conversation.ExchangeAsync(1);

        (await observer.NextAsync(conversation.Echo.EndPoint)).HeaderLength.ShouldBe(24);
        (await agent.HitsAsync(lab.Client)).Egress.ShouldBe(egress);
        (await agent.ReasonAsync("ip_options") - counted).ShouldBe(1);
    }

    public static TheoryData<string, string> Offloads => new()
    {
        { "pod", "tso off gso off" },
        { "pod", "tx off" },
        { "node", "tso off gso off" },
        { "node", "gro off tso off gso off" },
    };

    [Theory]
    [MemberData(nameof(Offloads))]
    public async Task A_connection_is_byte_exact_without_segmentation_offloads(string where, string features)
    {
        var lab = await shared.ReadyAsync();
        LabMember member = where == "pod" ? lab.Client : lab.Client.Node;
        await OffloadAsync(member, features);
        try
        {
            await using var stream = await DuplexStream.OpenAsync(lab.Client, lab.Server);
            await CachedAsync(lab, stream);
        }
        finally
        {
            await OffloadAsync(member, "tx on tso on gso on gro on");
        }
    }

    [Fact]
    public async Task A_pod_that_forwards_passes_on_what_it_received()
    {
        var lab = await shared.ReadyAsync();
        await using var inner = await NestedNamespace.BehindAsync(lab.Server);
        using var listener = inner.Listener();
        var accepting = listener.AcceptAsync(TestContext.Current.CancellationToken);
        using var client = await Sockets.ConnectAsync(lab.Client, new IPEndPoint(lab.Server.Address, NestedNamespace.Port));
        using var server = await accepting;
        await using var stream = new DuplexStream(client, server, pace: null);

        await CachedAsync(lab, stream);
    }

    /// <summary>Tens of megabytes each way, most of them by the fast path.</summary>
    private static async Task CachedAsync(AcceleratedLab lab, DuplexStream stream)
    {
        var before = await lab.AgentOf(lab.Client).StatusAsync();
        await stream.MoveOnAsync(20 * Megabyte);
        var bytes = await stream.StopAsync();
        var after = await lab.AgentOf(lab.Client).StatusAsync();

        long Cached(OnCache.Agent.Telemetry.AgentStatus status)
        {
            var hits = LabAgent.EndpointOf(status, lab.Client).Hits;
            return hits.Egress.Bytes + hits.Ingress.Bytes;
        }

        (Cached(after) - Cached(before)).ShouldBeGreaterThan(bytes / 2);
    }

    private static async Task<SeenPacket[]> SendEachTosAsync(UdpConversation conversation)
    {
        using var observer = new PacketObserver(conversation.Server);
        var seen = new SeenPacket[256];
        for (var tos = 0; tos < seen.Length; tos++)
        {
            conversation.Socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.TypeOfService, tos);
            await conversation.ExchangeAsync(1);
            seen[tos] = await observer.NextAsync(conversation.Echo.EndPoint);
        }

        conversation.Socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.TypeOfService, 0);
        return seen;
    }

    private static async Task<bool> TrySendAsync(Socket socket, int bytes)
    {
        try
        {
            return await socket.SendAsync(new byte[bytes], TestContext.Current.CancellationToken) == bytes;
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.MessageSize)
        {
            return false;
        }
    }

    /// <summary>What the kernel believes to be the MTU of a connected socket's path, bytes.</summary>
    private static int PathMtu(Socket socket)
    {
        const int IpMtu = 14;
        Span<byte> value = stackalloc byte[sizeof(int)];
        _ = socket.GetRawSocketOption((int)SocketOptionLevel.IP, IpMtu, value);
        return BitConverter.ToInt32(value);
    }

    private static async Task SetMtuAsync(LabPod pod, int mtu)
    {
        await pod.DoAsync($"ip link set {pod.Device} mtu {mtu}");
        await pod.Node.DoAsync($"ip link set {pod.HostInterface} mtu {mtu}");
    }

    private static async Task OffloadAsync(LabMember member, string features)
    {
        var device = member is LabPod pod ? pod.Device : ((LabNode)member).UnderlayDevice;
        await member.DoAsync($"ethtool -K {device} {features}");
    }
}
