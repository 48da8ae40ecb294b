using System.Buffers.Binary;
using System.Net.Sockets;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Traffic;

/// <summary>Numbered datagrams at about a thousand a second, each answered; both ways must keep number and order.</summary>
internal sealed class SequencedFlow : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(1);
    private readonly UdpConversation conversation;
    private volatile bool stopping;
    private readonly Task<int> sending;
    private readonly Task<int> receiving;

    private SequencedFlow(UdpConversation conversation)
    {
        this.conversation = conversation;
        sending = Task.Run(SendAsync);
        receiving = Task.Run(ReceiveAsync);
    }

    public static SequencedFlow Start(IPod client, IPod server) => new(new UdpConversation(client, server));

    /// <summary>Ends the flow. All answers must be there and in order; returns how many.</summary>
    public async Task<int> StopAsync()
    {
        stopping = true;
        var sent = await sending;
        (await receiving).ShouldBe(sent, "datagrams lost");
        conversation.Echo.Received.ShouldBe(sent);
        return sent;
    }

    public async ValueTask DisposeAsync()
    {
        stopping = true;
        await conversation.DisposeAsync();
    }

    private async Task<int> SendAsync()
    {
        var datagram = new byte[64];
        for (var number = 0; ; number++)
        {
            if (stopping)
            {
                return number;
            }

            BinaryPrimitives.WriteInt32BigEndian(datagram, number);
            _ = await conversation.Socket.SendAsync(datagram, SocketFlags.None);
            await Task.Delay(Pause);
        }
    }

    private async Task<int> ReceiveAsync()
    {
        for (var expected = 0; ; expected++)
        {
            if (sending.IsCompletedSuccessfully && await sending == expected)
            {
                return expected;
            }

            if (await Sockets.ReceiveAsync(conversation.Socket, Patience.Long) is not { } answer)
            {
                return expected;
            }

            BinaryPrimitives.ReadInt32BigEndian(answer).ShouldBe(expected, "out of order");
        }
    }
}
