using System.Net;
using System.Net.Sockets;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Traffic;

/// <summary>Sends every datagram back to where it came from, until disposed.</summary>
internal sealed class UdpEcho : IAsyncDisposable
{
    private readonly Socket socket;
    private readonly Task answering;
    private long received;

    private UdpEcho(Socket socket)
    {
        this.socket = socket;
        EndPoint = Sockets.EndPoint(socket);
        answering = AnswerAsync();
    }

    public IPEndPoint EndPoint { get; }

    /// <summary>Datagrams that arrived.</summary>
    public long Received => Interlocked.Read(ref received);

    public static UdpEcho Start(INetworkMember member, IPAddress address, int port = 0) => new(Sockets.Udp(member, address, port));

    public async ValueTask DisposeAsync()
    {
        socket.Dispose();
        await answering;
    }

    private async Task AnswerAsync()
    {
        var buffer = new byte[65536];
        var from = new IPEndPoint(IPAddress.Any, 0);
        try
        {
            while (true)
            {
                var datagram = await socket.ReceiveFromAsync(buffer, SocketFlags.None, from, CancellationToken.None);
                Interlocked.Increment(ref received);
                _ = await socket.SendToAsync(buffer.AsMemory(0, datagram.ReceivedBytes), SocketFlags.None, datagram.RemoteEndPoint);
            }
        }
        catch (Exception closed)
            when (closed is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
        {
            // Disposed.
        }
    }
}
