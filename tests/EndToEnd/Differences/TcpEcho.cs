using System.Net;
using System.Net.Sockets;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd.Differences;

/// <summary>Answers every connection with what it sends, unless that is a stream of <see cref="Silent"/>, and counts the bytes.</summary>
internal sealed class TcpEcho : IAsyncDisposable
{
    /// <summary>What is only counted.</summary>
    public const byte Silent = 1;

    private readonly Socket listener;
    private readonly Task accepting;
    private readonly List<Task> answering = [];
    private readonly List<Socket> connections = [];
    private long received;

    private TcpEcho(Socket listener)
    {
        this.listener = listener;
        accepting = AcceptAsync();
    }

    public IPEndPoint EndPoint => Sockets.EndPoint(listener);

    /// <summary>Bytes from all connections.</summary>
    public long Received => Interlocked.Read(ref received);

    public static TcpEcho Start(LabPod pod, int port) => new(Sockets.Listener(pod, pod.Address, port));

    public async ValueTask DisposeAsync()
    {
        listener.Dispose();
        await accepting;
        foreach (var connection in connections)
        {
            connection.Dispose();
        }

        await Task.WhenAll(answering);
    }

    private Task AcceptAsync() => UntilClosedAsync(async () =>
    {
        while (true)
        {
            var connection = await listener.AcceptAsync(CancellationToken.None);
            connections.Add(connection);
            answering.Add(AnswerAsync(connection));
        }
    });

    private Task AnswerAsync(Socket connection) => UntilClosedAsync(async () =>
    {
        var buffer = new byte[65536];
        while (await connection.ReceiveAsync(buffer, SocketFlags.None) is var length and > 0)
        {
            Interlocked.Add(ref received, length);
            if (buffer[0] != Silent)
            {
                _ = await connection.SendAsync(buffer.AsMemory(0, length), SocketFlags.None);
            }
        }

        // The client has closed it.
        connection.Dispose();
    });

    private static async Task UntilClosedAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception closed) when (closed is ObjectDisposedException or SocketException)
        {
            // Disposed, or the path has closed it.
        }
    }
}
