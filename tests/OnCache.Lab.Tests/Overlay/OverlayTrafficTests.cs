using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using OnCache.Lab.Overlay;
using OnCache.Lab.Rules;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Tests.Overlay;

/// <summary>What a packet meets between two pods of the lab.</summary>
public sealed class OverlayTrafficTests(TwoNodes fixture) : IClassFixture<TwoNodes>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private LabNode First => fixture.Lab.Nodes[0];

    private LabNode Second => fixture.Lab.Nodes[1];

    [Fact]
    public void Pods_answer_pings_across_nodes()
    {
        var target = Second.Pods[0].Address;
        var reply = First.Pods[0].Run(() =>
        {
            using var ping = new Ping();
            return ping.Send(target, 5000);
        });

        reply.Status.ShouldBe(IPStatus.Success);
    }

    [Fact]
    public async Task Pods_of_one_node_talk_through_the_bridge() =>
        (await Wire.CanTalkAsync(First.Pods[0], First.Pods[1], Wire.Patience)).ShouldBeTrue();

    [Fact]
    public async Task Tcp_carries_bytes_across_nodes()
    {
        using var listener = Wire.Listener(Second.Pods[0], Second.Pods[0].Address);
        using var client = await Wire.ConnectAsync(First.Pods[0], listener.LocalEndPoint!, Wire.Patience);
        client.ShouldNotBeNull();
        using var server = await listener.AcceptAsync(Cancellation);
        await client.SendAsync("hello"u8.ToArray(), Cancellation);

        (await Wire.ReceiveAsync(server, Wire.Patience)).ShouldBe("hello"u8.ToArray());
        ((IPEndPoint)server.RemoteEndPoint!).Address.ShouldBe(First.Pods[0].Address);
    }

    [Fact]
    public async Task A_pods_packet_travels_in_vxlan_and_arrives_with_ttl_62()
    {
        using var inner = Wire.Raw(Second.Pods[0], ProtocolType.Udp);
        using var outer = Wire.Raw(Second, ProtocolType.Udp);
        using var server = Wire.Udp(Second.Pods[0], Second.Pods[0].Address);
        using var client = Wire.Udp(First.Pods[0], First.Pods[0].Address);
        var marker = Guid.NewGuid().ToByteArray();
        await client.SendToAsync(marker, Wire.EndPoint(server), Cancellation);

        var received = await FindAsync(inner, marker);
        received[8].ShouldBe((byte)62);
        var encapsulated = await FindAsync(outer, marker);
        new IPAddress(encapsulated.AsSpan(12, 4)).ShouldBe(First.Address);
        new IPAddress(encapsulated.AsSpan(16, 4)).ShouldBe(Second.Address);
        BinaryPrimitives.ReadUInt16BigEndian(encapsulated.AsSpan(22)).ShouldBe((ushort)AddressPlan.VxlanPort);
        encapsulated[28].ShouldBe((byte)0x08);
        (BinaryPrimitives.ReadUInt32BigEndian(encapsulated.AsSpan(32)) >> 8).ShouldBe((uint)AddressPlan.Vni);
        new IPAddress(encapsulated.AsSpan(50 + 12, 4)).ShouldBe(First.Pods[0].Address);
    }

    [Fact]
    public async Task The_pods_mtu_leaves_room_for_the_encapsulation()
    {
        const int Headers = 28;
        var pod = First.Pods[0];
        using var server = Wire.Udp(Second.Pods[0], Second.Pods[0].Address);
        using var client = Wire.Udp(pod, pod.Address);
        client.DontFragment = true;
        await client.SendToAsync(new byte[fixture.Lab.PodMtu - Headers], Wire.EndPoint(server), Cancellation);

        (await Wire.ReceiveAsync(server, Wire.Patience))!.Length.ShouldBe(fixture.Lab.PodMtu - Headers);
        var failure = await Should.ThrowAsync<SocketException>(
            async () => await client.SendToAsync(new byte[fixture.Lab.PodMtu - Headers + 1], Wire.EndPoint(server), Cancellation));
        failure.SocketErrorCode.ShouldBe(SocketError.MessageSize);
        (await pod.RunCommandAsync("ip", ["-o", "link", "show", pod.Device], Cancellation)).Output.ShouldContain("mtu 1450");
        (await First.RunCommandAsync("ip", ["-o", "link", "show", First.UnderlayDevice], Cancellation)).Output.ShouldContain("mtu 1500");
    }

    [Fact]
    public async Task A_service_reaches_both_its_endpoints_over_tcp_from_everywhere()
    {
        var service = fixture.Lab.Services[0];
        service.Endpoints.ShouldBe([First.Pods[0].Address, Second.Pods[0].Address]);
        using var one = Wire.Listener(First.Pods[0], First.Pods[0].Address, LabService.TargetPort);
        using var other = Wire.Listener(Second.Pods[0], Second.Pods[0].Address, LabService.TargetPort);
        var portal = new IPEndPoint(service.ClusterAddress, LabService.Port);

        // Which endpoint is by chance: until both were hit, 2^-40 against it. From an endpoint itself this includes the hairpin.
        foreach (var from in (LabMember[])[First.Pods[0], First.Pods[1], Second])
        {
            var seen = new HashSet<int>();
            for (var attempt = 0; attempt < 40 && seen.Count < 2; attempt++)
            {
                using var client = await Wire.ConnectAsync(from, portal, Wire.Patience);
                client.ShouldNotBeNull($"from {from}");
                using var accepted = await (await Task.WhenAny(ReadableAsync(one), ReadableAsync(other))).Unwrap().AcceptAsync(Cancellation);
                seen.Add(((IPEndPoint)accepted.LocalEndPoint!).Address.GetHashCode());
            }

            seen.Count.ShouldBe(2, $"from {from}");
        }
    }

    [Fact]
    public async Task A_service_answers_datagrams_from_its_own_address()
    {
        var service = fixture.Lab.Services[2];
        using var one = Wire.Udp(First.Pods[0], First.Pods[0].Address, LabService.TargetPort);
        using var other = Wire.Udp(Second.Pods[0], Second.Pods[0].Address, LabService.TargetPort);
        using var client = Wire.Udp(First.Pods[1], First.Pods[1].Address);
        await client.SendToAsync("ask"u8.ToArray(), new IPEndPoint(service.ClusterAddress, LabService.Port), Cancellation);
        var endpoint = await (await Task.WhenAny(ReadableAsync(one), ReadableAsync(other))).Unwrap().ReplyAsync(Cancellation);

        var answer = await client.ReceiveFromAsync(new byte[16], new IPEndPoint(IPAddress.Any, 0), Cancellation);
        ((IPEndPoint)answer.RemoteEndPoint).Address.ShouldBe(service.ClusterAddress);
        service.Endpoints.ShouldContain(endpoint);
    }

    [Fact]
    public async Task Packets_without_a_place_in_the_cluster_are_dropped_by_forward()
    {
        var rules = await First.RunCommandAsync("iptables", ["-S", "FORWARD"], Cancellation);
        rules.Output.ShouldStartWith("-P FORWARD DROP");
    }

    private static async Task<Socket> ReadableAsync(Socket socket)
    {
        while (!socket.Poll(0, SelectMode.SelectRead))
        {
            await Task.Delay(1, Cancellation);
        }

        return socket;
    }

    /// <summary>The whole IP packet that carries the marker, among whatever else the raw socket sees.</summary>
    private static async Task<byte[]> FindAsync(Socket raw, byte[] marker)
    {
        while (await Wire.ReceiveAsync(raw, Wire.Patience) is { } packet)
        {
            if (packet.AsSpan().IndexOf(marker) >= 0)
            {
                return packet;
            }
        }

        throw new InvalidOperationException("the packet was not seen");
    }
}

internal static class ReadySocket
{
    public static Socket Unwrap(this Task<Socket> ready) => ready.Result;

    /// <summary>Answers the waiting datagram and returns the address it was sent to after translation.</summary>
    public static async Task<IPAddress> ReplyAsync(this Socket socket, CancellationToken cancellationToken)
    {
        var question = await socket.ReceiveFromAsync(new byte[16], new IPEndPoint(IPAddress.Any, 0), cancellationToken);
        await socket.SendToAsync("answer"u8.ToArray(), question.RemoteEndPoint, cancellationToken);
        return Wire.EndPoint(socket).Address;
    }
}
