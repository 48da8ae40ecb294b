using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using OnCache.Api;
using OnCache.EndToEnd.Fixture;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd.Traffic;

/// <summary>A flow in which the client keeps sending messages that say when they were sent; the server answers each.</summary>
/// <remarks>A message enters the network after its stamp, so what arrives with a later stamp was let pass later, however busy the machine.</remarks>
internal sealed class StampedFlow : IAsyncDisposable
{
    private const int Bytes = 16;
    // Room for what is sent in the two seconds or so in which nothing is acknowledged: a small message takes almost a KiB of it.
    private const int SendBuffer = 1 << 20;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);
    private readonly Socket asking;
    private readonly Socket answering;
    private readonly Task[] running;
    private volatile bool stopping;
    private volatile bool paused;
    private volatile bool resting;
    private long asked;
    private long sent;
    private long arrived;
    private long answers;

    private StampedFlow(Socket asking, Socket answering)
    {
        this.asking = asking;
        this.answering = answering;
        running = [Task.Run(SendAsync), Task.Run(AnswerAsync), Task.Run(ReceiveAsync)];
    }

    /// <summary>Stamp of the last message that was sent, a Stopwatch timestamp.</summary>
    public long Sent => Interlocked.Read(ref sent);

    /// <summary>Latest stamp that arrived at the server; 0 for none.</summary>
    public long Arrived => Interlocked.Read(ref arrived);

    /// <summary>Answers that the client has.</summary>
    public long Answers => Interlocked.Read(ref answers);

    public static async Task<StampedFlow> OpenAsync(Protocols protocol, LabPod client, LabPod server)
    {
        if (protocol == Protocols.Tcp)
        {
            var (from, to) = await Sockets.ConnectAsync(client, server);
            from.SendBufferSize = SendBuffer;
            return new StampedFlow(from, to);
        }

        var (asking, answering) = (Sockets.Udp(client), Sockets.Udp(server));
        await asking.ConnectAsync(answering.LocalEndPoint!);
        await answering.ConnectAsync(asking.LocalEndPoint!);
        return new StampedFlow(asking, answering);
    }

    /// <summary>Waits until a message that was sent after this moment has arrived.</summary>
    public Task ArrivesAfterAsync(long stamp) => Eventually.HoldsAsync(() => Arrived > stamp, "a later message at the server");

    /// <summary>Waits until so many more messages were answered.</summary>
    public async Task MoveOnAsync(int messages)
    {
        var goal = Answers + messages;
        await Eventually.HoldsAsync(() => Answers >= goal, $"{messages} more messages answered");
    }

    /// <summary>Sends no more, and waits until all is answered and, by TCP, acknowledged: nothing is under way then.</summary>
    public Task PauseAsync()
    {
        paused = true;
        return Eventually.HoldsAsync(
            () => resting && Answers == Interlocked.Read(ref asked) && IsAcknowledged(asking) && IsAcknowledged(answering),
            "all messages answered and acknowledged");
    }

    public void GoOn() => paused = false;

    public async ValueTask DisposeAsync()
    {
        stopping = true;
        asking.Dispose();
        answering.Dispose();
        await Task.WhenAll(running);
    }

    /// <summary>What is not acknowledged is sent again, by the server too.</summary>
    private static bool IsAcknowledged(Socket socket)
    {
        const int Tcp = 6;
        const int TcpInfo = 11;
        const int Unacknowledged = 24;
        if (socket.ProtocolType != ProtocolType.Tcp)
        {
            return true;
        }

        Span<byte> info = stackalloc byte[Unacknowledged + sizeof(uint)];
        _ = socket.GetRawSocketOption(Tcp, TcpInfo, info);
        return BitConverter.ToUInt32(info[Unacknowledged..]) == 0;
    }

    private Task SendAsync() => UntilDisposedAsync(async () =>
    {
        var message = new byte[Bytes];
        while (!stopping)
        {
            resting = paused;
            if (resting)
            {
                await Task.Delay(Pause);
                continue;
            }

            var now = Stopwatch.GetTimestamp();
            Interlocked.Increment(ref asked);
            BinaryPrimitives.WriteInt64BigEndian(message, now);
            _ = await asking.SendAsync(message, SocketFlags.None);
            Interlocked.Exchange(ref sent, now);
            await Task.Delay(Pause);
        }
    });

    private Task AnswerAsync() => UntilDisposedAsync(async () =>
    {
        var message = new byte[Bytes];
        while (await ReadAsync(answering, message))
        {
            Interlocked.Exchange(ref arrived, Math.Max(arrived, BinaryPrimitives.ReadInt64BigEndian(message)));
            _ = await answering.SendAsync(message, SocketFlags.None);
        }
    });

    private Task ReceiveAsync() => UntilDisposedAsync(async () =>
    {
        var message = new byte[Bytes];
        while (await ReadAsync(asking, message))
        {
            Interlocked.Increment(ref answers);
        }
    });

    /// <summary>One message; from a stream, all of its bytes.</summary>
    private static async Task<bool> ReadAsync(Socket socket, byte[] message)
    {
        for (var have = 0; have < Bytes;)
        {
            var read = await socket.ReceiveAsync(message.AsMemory(have), SocketFlags.None);
            if (read == 0)
            {
                return false;
            }

            have += read;
        }

        return true;
    }

    /// <summary>Whatever ends the sockets' work once the flow is being disposed, a reset by the other end included, is no failure.</summary>
    private async Task UntilDisposedAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception closed) when (stopping && closed is (ObjectDisposedException or SocketException))
        {
            // Disposed.
        }
    }
}
