using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;
using OnCache.Lab.Interop;
using OnCache.Lab.Overlay;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Bench.Coherence;

/// <summary>
/// A flow of numbered datagrams from a pod, each answered, of which it is known when each was sent, arrived and was answered, and whether
/// the pod's node handed it, or its answer, to the CNI. Independent of the agent: the CNI's tunnel device is listened to.
/// </summary>
internal sealed unsafe class ObservedFlow : IDisposable
{
    private const int Capacity = 1 << 21;
    private static readonly TimeSpan Wait = TimeSpan.FromMilliseconds(100);
    private readonly DataSocket asking;
    private readonly DataSocket answering;
    private readonly TunnelTap tap;
    private readonly int port;
    private readonly long interval;
    private readonly Packet[] packets = new Packet[Capacity];
    private readonly List<Thread> threads = [];
    private volatile bool stopping;
    private long next;

    private ObservedFlow(LabPod client, LabPod server, TunnelTap tap, int packetsPerSecond)
    {
        this.tap = tap;
        interval = Stopwatch.Frequency / packetsPerSecond;
        (asking, port) = Socket(client);
        (answering, var serverPort) = Socket(server);
        Client = new IPEndPoint(client.Address, port);
        Server = new IPEndPoint(server.Address, serverPort);
        asking.Connect(Server);
        answering.Connect(Client);
        Begin("send", Send);
        Begin("answer", Answer);
        Begin("receive", Receive);
        Begin("tap", Listen);
    }

    public IPEndPoint Client { get; }

    public IPEndPoint Server { get; }

    /// <summary>The number of the next packet to be sent.</summary>
    public long Next => Volatile.Read(ref next);

    public static ObservedFlow Start(LabPod client, LabPod server, int packetsPerSecond) =>
        new(client, server, TunnelTap.Open(client.Node), packetsPerSecond);

    /// <summary>Up to then, a Stopwatch timestamp, everything that the CNI was handed has been seen.</summary>
    public long SeenUntil => tap.Drained;

    /// <summary>What is known of a packet; it is forgotten after 2 million further ones.</summary>
    public Packet this[long number] => packets[number % Capacity];

    /// <summary>The packets sent between two moments, Stopwatch timestamps.</summary>
    public IEnumerable<Packet> Between(long from, long to)
    {
        // Backwards: what is asked for is recent.
        var end = Next;
        var first = end;
        while (first > Math.Max(0, end - Capacity + 1) && this[first - 1].Sent >= from)
        {
            first--;
        }

        for (var number = first; number < end && this[number] is var packet && packet.Sent < to; number++)
        {
            yield return packet;
        }
    }

    public void Dispose()
    {
        stopping = true;
        threads.ForEach(static thread => thread.Join());
        asking.Dispose();
        answering.Dispose();
        tap.Dispose();
    }

    private static (DataSocket Socket, int Port) Socket(LabPod pod) => pod.Run(() =>
    {
        var socket = DataSocket.Udp();
        socket.ForceReceiveBuffer(8 << 20);
        socket.LimitWait(Wait);
        return (socket, socket.BindToFreePort(pod.Address));
    });

    private void Begin(string name, Action work)
    {
        var thread = new Thread(() => work()) { Name = $"flow {name}", IsBackground = true };
        threads.Add(thread);
        thread.Start();
    }

    private void Send()
    {
        var due = Stopwatch.GetTimestamp();
        while (!stopping)
        {
            var now = Stopwatch.GetTimestamp();
            if (now < due)
            {
                var pause = new TimeSpec { Nanoseconds = (due - now) * (1_000_000_000 / Stopwatch.Frequency) };
                _ = Libc.nanosleep(&pause, null);
                continue;
            }

            // What was missed while the thread did not run is not made up for: a burst would say nothing new.
            due = Math.Max(due + interval, now);
            var number = next;
            packets[number % Capacity] = new Packet { Sent = Stopwatch.GetTimestamp() };
            Volatile.Write(ref next, number + 1);
            _ = Libc.send(asking.Descriptor, &number, sizeof(long), Libc.MSG_NOSIGNAL);
        }
    }

    private void Answer()
    {
        long number;
        while (!stopping)
        {
            if (Libc.recv(answering.Descriptor, &number, sizeof(long), 0) == sizeof(long))
            {
                Volatile.Write(ref packets[number % Capacity].Arrived, Stopwatch.GetTimestamp());
                _ = Libc.send(answering.Descriptor, &number, sizeof(long), Libc.MSG_NOSIGNAL);
            }
        }
    }

    private void Receive()
    {
        long number;
        while (!stopping)
        {
            if (Libc.recv(asking.Descriptor, &number, sizeof(long), 0) == sizeof(long))
            {
                Volatile.Write(ref packets[number % Capacity].Answered, Stopwatch.GetTimestamp());
            }
        }
    }

    private void Listen()
    {
        Span<byte> payload = stackalloc byte[sizeof(long)];
        while (!stopping)
        {
            if (tap.TryNext(port, payload, out var leaves))
            {
                ref var packet = ref packets[MemoryMarshal.Read<long>(payload) % Capacity];
                Volatile.Write(ref leaves ? ref packet.LeftSlowly : ref packet.CameSlowly, true);
            }
        }
    }

    /// <summary>What is known of one packet. Times are Stopwatch timestamps, 0 for not yet.</summary>
    internal struct Packet
    {
        public long Sent;
        public long Arrived;
        public long Answered;

        /// <summary>It was handed to the CNI on its way out.</summary>
        public bool LeftSlowly;

        /// <summary>Its answer was handed to the CNI on its way in.</summary>
        public bool CameSlowly;

        public readonly bool IsFast => Answered != 0 && !LeftSlowly && !CameSlowly;
    }
}
