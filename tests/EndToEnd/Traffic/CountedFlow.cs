using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using OnCache.EndToEnd.Fixture;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd.Traffic;

/// <summary>What became of a <see cref="CountedFlow"/> that lost and doubled nothing.</summary>
/// <param name="Sent">Datagrams, each of which came and was answered exactly once.</param>
/// <param name="Overtaken">Datagrams and answers that came after a later one.</param>
internal sealed record FlowReport(int Sent, int Overtaken);

/// <summary>
/// A thousand numbered datagrams a second, each answered. Every number must come exactly once, there and back, and nothing
/// to any other pod that listens on the same port.
/// </summary>
internal sealed class CountedFlow : IAsyncDisposable
{
    private const int SOL_SOCKET = 1;
    private const int SO_RCVBUFFORCE = 33;
    private const int ReceiveBuffer = 32 << 20;
    private const int PerSecond = 1000;
    private const int MostAtOnce = 50;

    private readonly Socket client;
    private readonly Socket server;
    private readonly List<Socket> bystanders;
    private readonly Tally there = new();
    private readonly Tally back = new();
    private readonly List<Task> receiving;
    private readonly Task<int> sending;
    private volatile bool stopping;
    private int strays;

    private CountedFlow(LabPod from, LabPod to, IEnumerable<LabPod> others)
    {
        server = Roomy(Sockets.Udp(to));
        var target = Sockets.EndPoint(server);
        client = Roomy(Sockets.Udp(from));
        client.Connect(target);
        bystanders = [.. others.Select(pod => Sockets.Udp(pod, pod.Address, target.Port))];
        receiving = [AnswerAsync(), CollectAsync(), .. bystanders.Select(WatchAsync)];
        sending = Task.Run(SendAsync);
    }

    public static CountedFlow Start(LabPod from, LabPod to, IEnumerable<LabPod> others) => new(from, to, others);

    /// <summary>Waits until so many more datagrams were answered.</summary>
    public Task MoveOnAsync(int datagrams)
    {
        var goal = back.Distinct + datagrams;
        return Eventually.HoldsAsync(() => back.Distinct >= goal || sending.IsFaulted, $"{datagrams} more datagrams answered");
    }

    /// <summary>Ends the flow and checks it.</summary>
    public async Task<FlowReport> StopAsync()
    {
        stopping = true;
        var sent = await sending;
        try
        {
            await Eventually.HoldsAsync(() => back.Distinct >= sent, "all answers there");
        }
        catch (TimeoutException)
        {
            // The tallies tell more.
        }

        there.Missing(sent).ShouldBeEmpty("lost on the way there");
        back.Missing(sent).ShouldBeEmpty("lost on the way back");
        (there.Doubled, back.Doubled).ShouldBe((0, 0), "doubled");
        Volatile.Read(ref strays).ShouldBe(0, "at another pod");
        return new FlowReport(sent, there.Overtaken + back.Overtaken);
    }

    public async ValueTask DisposeAsync()
    {
        stopping = true;
        await sending.ContinueWith(static _ => { }, TaskScheduler.Default);
        foreach (var socket in bystanders.Append(client).Append(server))
        {
            socket.Dispose();
        }

        await Task.WhenAll(receiving);
    }

    /// <summary>A receiver that is not scheduled for a while must not look like a network that loses.</summary>
    private static Socket Roomy(Socket socket)
    {
        socket.SetRawSocketOption(SOL_SOCKET, SO_RCVBUFFORCE, BitConverter.GetBytes(ReceiveBuffer));
        return socket;
    }

    private async Task<int> SendAsync()
    {
        var datagram = new byte[64];
        var started = Stopwatch.GetTimestamp();
        for (var number = 0; ;)
        {
            // What was missed while nobody was scheduled is made up for, but not in one burst.
            var due = (int)Math.Min(Stopwatch.GetElapsedTime(started).TotalSeconds * PerSecond, number + MostAtOnce);
            for (; number < due; number++)
            {
                BinaryPrimitives.WriteInt32BigEndian(datagram, number);
                _ = await client.SendAsync(datagram, SocketFlags.None);
            }

            if (stopping)
            {
                return number;
            }

            await Task.Delay(1);
        }
    }

    private Task AnswerAsync() => UntilClosedAsync(async () =>
    {
        var buffer = new byte[128];
        var datagram = await server.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0));
        there.Add(BinaryPrimitives.ReadInt32BigEndian(buffer));
        _ = await server.SendToAsync(buffer.AsMemory(0, datagram.ReceivedBytes), SocketFlags.None, datagram.RemoteEndPoint);
    });

    private Task CollectAsync() => UntilClosedAsync(async () =>
    {
        var buffer = new byte[128];
        _ = await client.ReceiveAsync(buffer, SocketFlags.None);
        back.Add(BinaryPrimitives.ReadInt32BigEndian(buffer));
    });

    private Task WatchAsync(Socket bystander) => UntilClosedAsync(async () =>
    {
        _ = await bystander.ReceiveAsync(new byte[128], SocketFlags.None);
        Interlocked.Increment(ref strays);
    });

    private static async Task UntilClosedAsync(Func<Task> step)
    {
        try
        {
            while (true)
            {
                await step();
            }
        }
        catch (Exception closed)
            when (closed is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
        {
            // Disposed.
        }
    }

    /// <summary>Which numbers have come, and how.</summary>
    private sealed class Tally
    {
        private readonly HashSet<int> seen = [];
        private readonly Lock sync = new();
        private int highest = -1;

        public int Distinct
        {
            get
            {
                lock (sync)
                {
                    return seen.Count;
                }
            }
        }

        public int Doubled { get; private set; }

        public int Overtaken { get; private set; }

        public void Add(int number)
        {
            lock (sync)
            {
                Doubled += seen.Add(number) ? 0 : 1;
                Overtaken += number < highest ? 1 : 0;
                highest = Math.Max(highest, number);
            }
        }

        public IReadOnlyList<int> Missing(int sent)
        {
            lock (sync)
            {
                return [.. Enumerable.Range(0, sent).Where(number => !seen.Contains(number))];
            }
        }
    }
}
