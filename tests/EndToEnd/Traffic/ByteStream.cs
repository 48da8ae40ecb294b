using System.Net.Sockets;
using OnCache.EndToEnd.Fixture;

namespace OnCache.EndToEnd.Traffic;

/// <summary>How fast a stream goes.</summary>
/// <param name="Chunk">Bytes per read and write.</param>
/// <param name="WriteDelay">After each write.</param>
/// <param name="ReadDelay">After each read.</param>
internal sealed record StreamPace(int Chunk, TimeSpan WriteDelay, TimeSpan ReadDelay)
{
    public static StreamPace Full { get; } = new(1 << 17, TimeSpan.Zero, TimeSpan.Zero);

    /// <summary>Leaves the cores to the rest of the test: some 50 MB/s at most.</summary>
    public static StreamPace Steady { get; } = new(1 << 16, TimeSpan.FromMilliseconds(1), TimeSpan.Zero);

    /// <summary>The reader lags: buffers fill, the window closes and opens.</summary>
    public static StreamPace SlowReader { get; } = new(1 << 15, TimeSpan.Zero, TimeSpan.FromMilliseconds(2));
}

/// <summary>One direction of a connection: an endless known text, compared byte for byte as it arrives.</summary>
internal sealed class ByteStream
{
    // A prime length: a segment that is lost, doubled or moved never fits.
    private const int Period = 1_048_573;
    private static readonly byte[] Text = MakeText();
    private readonly StreamPace pace;
    private volatile bool stopping;
    private readonly Task<long> writing;
    private readonly Task reading;
    private long verified;

    private ByteStream(Socket from, Socket to, StreamPace pace)
    {
        this.pace = pace;
        writing = Task.Run(() => WriteAsync(from));
        reading = Task.Run(() => ReadAsync(to));
    }

    /// <summary>Bytes that arrived and were right.</summary>
    public long Verified => Interlocked.Read(ref verified);

    public static ByteStream Start(Socket from, Socket to, StreamPace? pace = null) => new(from, to, pace ?? StreamPace.Full);

    /// <summary>Waits until so many more bytes have arrived.</summary>
    public async Task MoveOnAsync(long bytes)
    {
        var goal = Verified + bytes;
        await Eventually.HoldsAsync(
            () => Verified >= goal || reading.IsCompleted || writing.IsFaulted, $"{bytes} more bytes through; {goal - bytes} were before");
        if (Verified < goal)
        {
            await Task.WhenAll(writing, reading);
        }
    }

    /// <summary>Ends the stream and checks that every byte that was sent has arrived.</summary>
    public async Task<long> StopAsync()
    {
        stopping = true;
        var sent = await writing.WaitAsync(Eventually.Limit, TestContext.Current.CancellationToken);
        await reading.WaitAsync(Eventually.Limit, TestContext.Current.CancellationToken);
        Verified.ShouldBe(sent);
        return sent;
    }

    private async Task<long> WriteAsync(Socket socket)
    {
        var position = 0L;
        while (!stopping)
        {
            var offset = (int)(position % Period);
            position += await socket.SendAsync(Text.AsMemory(offset, Math.Min(pace.Chunk, Period - offset)), SocketFlags.None);
            await Task.Delay(pace.WriteDelay);
        }

        socket.Shutdown(SocketShutdown.Send);
        return position;
    }

    private async Task ReadAsync(Socket socket)
    {
        var buffer = new byte[pace.Chunk];
        while (await socket.ReceiveAsync(buffer, SocketFlags.None) is var length and > 0)
        {
            for (var done = 0; done < length;)
            {
                var offset = (int)((Verified + done) % Period);
                var part = Math.Min(length - done, Period - offset);
                buffer.AsSpan(done, part).SequenceEqual(Text.AsSpan(offset, part))
                    .ShouldBeTrue($"wrong bytes after {Verified + done} right ones");
                done += part;
            }

            Interlocked.Add(ref verified, length);
            await Task.Delay(pace.ReadDelay);
        }
    }

    private static byte[] MakeText()
    {
        var text = new byte[Period];
        new Random(1).NextBytes(text);
        return text;
    }
}
