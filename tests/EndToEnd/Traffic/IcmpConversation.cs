using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Traffic;

/// <summary>ICMP echo: asked through a raw socket, answered by the other pod's kernel.</summary>
internal sealed class IcmpConversation : IConversation
{
    private const int IpHeader = 20;
    private const byte EchoReply = 0;
    private const byte EchoRequest = 8;
    private readonly Socket socket;
    private readonly ushort identifier = (ushort)Random.Shared.Next(1, ushort.MaxValue);
    private ushort sequence;

    public IcmpConversation(IPod client, IPod server)
    {
        Client = client;
        Server = server;
        socket = Sockets.Raw(client, ProtocolType.Icmp);
        socket.Connect(new IPEndPoint(server.Address, 0));
    }

    public IPod Client { get; }

    public IPod Server { get; }

    public async Task ExchangeAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            sequence++;
            _ = await socket.SendAsync(Request(identifier, sequence), TestContext.Current.CancellationToken);
            while (true)
            {
                var answer = await Sockets.ReceiveAsync(socket, Patience.Long);
                answer.ShouldNotBeNull($"echo {sequence} from {Client} to {Server} had no answer");
                if (answer[IpHeader] == EchoReply
                    && BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(IpHeader + 4)) == identifier
                    && BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(IpHeader + 6)) == sequence)
                {
                    break;
                }
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        socket.Dispose();
        return ValueTask.CompletedTask;
    }

    public override string ToString() => $"ICMP echo {Client} -> {Server}";

    private static byte[] Request(ushort identifier, ushort sequence)
    {
        var packet = new byte[64];
        packet[0] = EchoRequest;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), identifier);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(6), sequence);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), InternetChecksum.Of(packet));
        return packet;
    }
}
