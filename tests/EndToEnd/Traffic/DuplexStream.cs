using System.Net.Sockets;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Traffic;

/// <summary>A connection that carries a <see cref="ByteStream"/> each way at once.</summary>
internal sealed class DuplexStream : IAsyncDisposable
{
    private readonly Socket client;
    private readonly Socket server;

    public DuplexStream(Socket client, Socket server, StreamPace? pace)
    {
        this.client = client;
        this.server = server;
        Up = ByteStream.Start(client, server, pace);
        Down = ByteStream.Start(server, client, pace);
    }

    /// <summary>From the client.</summary>
    public ByteStream Up { get; }

    /// <summary>To the client.</summary>
    public ByteStream Down { get; }

    public static async Task<DuplexStream> OpenAsync(IPod client, IPod server, StreamPace? pace = null)
    {
        var (from, to) = await Sockets.ConnectAsync(client, server);
        return new DuplexStream(from, to, pace);
    }

    public Task MoveOnAsync(long bytes) => Task.WhenAll(Up.MoveOnAsync(bytes), Down.MoveOnAsync(bytes));

    /// <summary>Ends both directions and checks that nothing is missing; returns all bytes that came through.</summary>
    public async Task<long> StopAsync()
    {
        var both = await Task.WhenAll(Up.StopAsync(), Down.StopAsync());
        return both.Sum();
    }

    public ValueTask DisposeAsync()
    {
        client.Dispose();
        server.Dispose();
        return ValueTask.CompletedTask;
    }
}
