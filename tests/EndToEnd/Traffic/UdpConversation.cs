using System.Buffers.Binary;
using System.Net.Sockets;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Traffic;

/// <summary>Datagrams that are sent back as they came.</summary>
internal sealed class UdpConversation : IConversation
{
    private readonly Socket asking;
    private readonly UdpEcho echo;
    private int next;

    public UdpConversation(IPod client, IPod server, int echoPort = 0)
    {
        Client = client;
        Server = server;
        echo = UdpEcho.Start(server, server.Address, echoPort);
        asking = Sockets.Udp(client);
        asking.Connect(echo.EndPoint);
    }

    public IPod Client { get; }

    public IPod Server { get; }

    public Socket Socket => asking;

    public UdpEcho Echo => echo;

    public async Task ExchangeAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var question = new byte[32];
            BinaryPrimitives.WriteInt32BigEndian(question, next++);
            await ExchangeAsync(question);
        }
    }

    /// <summary>Sends one datagram and checks that it comes back byte for byte.</summary>
    public async Task ExchangeAsync(byte[] question)
    {
        _ = await asking.SendAsync(question, TestContext.Current.CancellationToken);
        var answer = await Sockets.ReceiveAsync(asking, Patience.Long);
        answer.ShouldNotBeNull($"datagram of {question.Length} bytes from {Client} to {Server} or its answer was lost");
        answer.AsSpan().SequenceEqual(question)
            .ShouldBeTrue($"datagram of {question.Length} bytes came back changed, {answer.Length} bytes");
    }

    /// <summary>Sends one datagram; whether it is answered soon.</summary>
    public async Task<bool> TryExchangeAsync()
    {
        var question = new byte[32];
        BinaryPrimitives.WriteInt32BigEndian(question, next++);
        _ = await asking.SendAsync(question, TestContext.Current.CancellationToken);
        while (await Sockets.ReceiveAsync(asking, TimeSpan.FromMilliseconds(250)) is { } answer)
        {
            if (answer.AsSpan().SequenceEqual(question))
            {
                return true;
            }
        }

        return false;
    }

    public async ValueTask DisposeAsync()
    {
        asking.Dispose();
        await echo.DisposeAsync();
    }

    public override string ToString() => $"UDP {Client} -> {Server}";
}
