using System.Diagnostics;
using System.Net.Sockets;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd.Differences;

/// <summary>One connection that is open throughout, and others that are tried.</summary>
internal sealed class TcpProbe : IConversation
{
    private const int MessageBytes = 16;

    // Packets that arrive do so within a millisecond.
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_streamed = TimeSpan.FromMilliseconds(800);
    private readonly LabPod client;
    private readonly TcpEcho echo;
    private readonly Socket connection;
    private readonly Task reading;
    private long sent;
    private long answered;
    private volatile bool closed;

    private TcpProbe(LabPod client, LabPod server, TcpEcho echo, Socket connection)
    {
        this.client = client;
        Server = server;
        this.echo = echo;
        this.connection = connection;
        reading = ReadAsync();
    }

    public static async Task<TcpProbe> OpenAsync(LabPod client, LabPod server, int port)
    {
        var serving = TcpEcho.Start(server, port);
        try
        {
            return new TcpProbe(client, server, serving, await Sockets.ConnectAsync(client, serving.EndPoint));
        }
        catch
        {
            await serving.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether the open connection still carries a message and its answer.</summary>
    public async Task<string> GoesOnAsync()
    {
        try
        {
            sent += closed ? 0 : await connection.SendAsync(new byte[MessageBytes], SocketFlags.None);
        }
        catch (SocketException)
        {
            closed = true;
        }

        var goal = sent;
        return await HoldsSoonAsync(() => Interlocked.Read(ref answered) == goal) ? "goes on" : closed ? "is reset" : "stalls";
    }

    /// <summary>Whether the connection that was open at first still is.</summary>
    public bool IsOpen => !closed;

    public IPod Client => client;

    public IPod Server { get; }

    public async Task ExchangeAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            (await GoesOnAsync()).ShouldBe("goes on");
        }
    }

    /// <summary>What becomes of one more connection.</summary>
    public async Task<string> OpensAsync()
    {
        using var socket = client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        using var patience = Patience.Of(s_patience);
        try
        {
            await socket.ConnectAsync(echo.EndPoint, patience.Token);
            return "opens";
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            return "is not answered";
        }
        catch (SocketException refused)
        {
            return $"fails: {refused.SocketErrorCode}";
        }
    }

    /// <summary>The MSS of connections that are opened one after the other, some time apart: what a pair vouches for shows in the later ones.</summary>
    public async Task<string> SegmentSizesAsync()
    {
        const int Connections = 6;
        var sizes = new SortedSet<int>();
        for (var i = 0; i < Connections; i++)
        {
            using var socket = await Sockets.ConnectAsync(client, echo.EndPoint);
            _ = await socket.SendAsync(new byte[MessageBytes], SocketFlags.None);
            _ = await socket.ReceiveAsync(new byte[MessageBytes], SocketFlags.None);
            sizes.Add(BitConverter.ToInt32(Option(socket)));
        }

        return string.Join(", ", sizes);

        static byte[] Option(Socket socket)
        {
            const int MaximumSegment = 2;
            var value = new byte[sizeof(int)];
            _ = socket.GetRawSocketOption((int)SocketOptionLevel.Tcp, MaximumSegment, value);
            return value;
        }
    }

    /// <summary>How many of thirty connections are open at once.</summary>
    public async Task<string> ConnectionsAsync()
    {
        const int Tried = 30;
        var together = 0;
        var open = new List<Socket>();
        try
        {
            for (var i = 0; i < Tried; i++)
            {
                var socket = client.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
                open.Add(socket);
                using var patience = Patience.Of(s_patience);
                try
                {
                    await socket.ConnectAsync(echo.EndPoint, patience.Token);
                    together++;
                }
                catch (Exception refused) when (refused is SocketException or OperationCanceledException && !TestContext.Current.CancellationToken.IsCancellationRequested)
                {
                    // That is what is counted.
                }
            }
        }
        finally
        {
            open.ForEach(static socket => socket.Dispose());
        }

        return $"{together} at once";
    }

    /// <summary>Bytes a second of a stream on a connection of its own, as the server receives them.</summary>
    public async Task<double> RateAsync()
    {
        using var socket = await Sockets.ConnectAsync(client, echo.EndPoint);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var sending = SendUntilAsync(socket, end.Token);

        // The beginning of it is a shaper's burst.
        await Task.Delay(s_streamed, TestContext.Current.CancellationToken);
        var (before, started) = (echo.Received, Stopwatch.GetTimestamp());
        await Task.Delay(s_streamed, TestContext.Current.CancellationToken);
        var rate = (echo.Received - before) / Stopwatch.GetElapsedTime(started).TotalSeconds;
        await end.CancelAsync();
        await sending;

        // What still waits for the shaper would be in the way of the next look.
        socket.LingerState = new LingerOption(enable: true, seconds: 0);
        return rate;
    }

    public async ValueTask DisposeAsync()
    {
        connection.Dispose();
        await reading;
        await echo.DisposeAsync();
    }

    private static async Task SendUntilAsync(Socket socket, CancellationToken end)
    {
        var part = new byte[16384];
        Array.Fill(part, TcpEcho.Silent);
        try
        {
            while (true)
            {
                _ = await socket.SendAsync(part, end);
            }
        }
        catch (Exception ended) when (ended is SocketException || end.IsCancellationRequested)
        {
            // Streamed long enough, or the path has closed it.
        }
    }

    private static async Task<bool> HoldsSoonAsync(Func<bool> condition)
    {
        var started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(started) > s_patience)
            {
                return false;
            }

            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        return true;
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[4096];
        try
        {
            while (await connection.ReceiveAsync(buffer, SocketFlags.None) is var length and > 0)
            {
                Interlocked.Add(ref answered, length);
            }
        }
        catch (Exception ended) when (ended is ObjectDisposedException or SocketException)
        {
            // Disposed, or the path has closed it.
        }

        closed = true;
    }
}
