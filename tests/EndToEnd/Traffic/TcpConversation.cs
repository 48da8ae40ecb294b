using System.Buffers.Binary;
using System.Net.Sockets;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Traffic;

/// <summary>Short messages on one connection, answered in kind.</summary>
internal sealed class TcpConversation : IConversation
{
    private const int Bytes = 32;
    private readonly Socket asking;
    private readonly Socket answering;
    private int next;

    public TcpConversation(IPod client, IPod server, Socket asking, Socket answering)
    {
        Client = client;
        Server = server;
        this.asking = asking;
        this.answering = answering;
    }

    public IPod Client { get; }

    public IPod Server { get; }

    public static async Task<TcpConversation> OpenAsync(IPod client, IPod server, int toPort = 0)
    {
        var (from, to) = await Sockets.ConnectAsync(client, server, toPort);
        return new TcpConversation(client, server, from, to);
    }

    public async Task ExchangeAsync(int count)
    {
        using var patience = Patience.Of(Patience.Long);
        var message = new byte[Bytes];
        var seen = new byte[Bytes];
        for (var i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(message, next++);
            await TransferAsync(asking, answering, message, seen, patience.Token);
            await TransferAsync(answering, asking, message, seen, patience.Token);
        }
    }

    /// <summary>Ends it as most connections end: one side first, the other when it has read so.</summary>
    public async Task CloseAsync()
    {
        using var patience = Patience.Of(Patience.Long);
        foreach (var (ends, reads) in ((Socket, Socket)[])[(asking, answering), (answering, asking)])
        {
            ends.Shutdown(SocketShutdown.Send);
            (await reads.ReceiveAsync(new byte[1], patience.Token)).ShouldBe(0);
        }
    }

    public ValueTask DisposeAsync()
    {
        asking.Dispose();
        answering.Dispose();
        return ValueTask.CompletedTask;
    }

    public override string ToString() => $"TCP {Client} -> {Server}";

    private static async Task TransferAsync(Socket from, Socket to, byte[] message, byte[] seen, CancellationToken cancellationToken)
    {
        _ = await from.SendAsync(message, cancellationToken);
        for (var have = 0; have < Bytes;)
        {
            var read = await to.ReceiveAsync(seen.AsMemory(have), cancellationToken);
            read.ShouldBePositive("the connection was closed");
            have += read;
        }

        seen.ShouldBe(message);
    }
}
