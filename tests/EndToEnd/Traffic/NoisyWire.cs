using System.Buffers.Binary;
using System.Diagnostics;
using OnCache.Agent.Net;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Traffic;

/// <summary>
/// A wire between two ports of a network namespace that loses, doubles and delays some of the IPv4 frames, so that they overtake each other: what
/// netem does, on kernels without it. By the same seed the same decisions, frame by frame.
/// </summary>
internal sealed class NoisyWire : IDisposable
{
    private const int EtherTypeOffset = 12;
    private const int Ipv4 = 0x0800;
    private const double Share = 0.03;
    private const int LongestDelay = 20;
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(1);

    private readonly FrameReceiver receiver;
    private readonly Dictionary<int, FrameSender> otherSide;
    private readonly PriorityQueue<(byte[] Frame, FrameSender To), long> late = new();
    private readonly Random random;
    private readonly Thread thread;
    private volatile bool ended;
    private volatile Exception? failure;

    public NoisyWire(INetworkMember space, string left, string right, int seed)
    {
        random = new Random(seed);
        otherSide = new Dictionary<int, FrameSender>
        {
            [IndexOf(space, left)] = new(space, right),
            [IndexOf(space, right)] = new(space, left),
        };
        receiver = new FrameReceiver(space);
        thread = new Thread(Carry) { IsBackground = true, Name = "noisy wire" };
        thread.Start();
    }

    public int Lost { get; private set; }

    public int Doubled { get; private set; }

    public int Late { get; private set; }

    /// <exception cref="InvalidOperationException">The wire broke.</exception>
    public void Dispose()
    {
        ended = true;
        thread.Join();
        receiver.Dispose();
        foreach (var sender in otherSide.Values)
        {
            sender.Dispose();
        }

        if (failure is not null)
        {
            throw new InvalidOperationException("the wire broke", failure);
        }
    }

    private static int IndexOf(INetworkMember space, string device) => space.Run(() => NetworkSnapshotReader.Read().LinkByName(device)!.IfIndex);

    private void Carry()
    {
        try
        {
            while (!ended)
            {
                if (receiver.Take(s_poll) is var (device, frame) && otherSide.TryGetValue(device, out var to))
                {
                    Pass(frame, to);
                }

                while (late.TryPeek(out var next, out var due) && due <= Stopwatch.GetTimestamp())
                {
                    _ = late.Dequeue();
                    next.To.Send(next.Frame);
                }
            }
        }
        catch (Exception broken)
        {
            failure = broken;
        }
    }

    private void Pass(byte[] frame, FrameSender to)
    {
        var noisy = BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(EtherTypeOffset)) == Ipv4;
        switch (noisy ? random.NextDouble() : 1)
        {
            case < Share:
                Lost++;
                break;
            case < 2 * Share:
                // At once: where a SYN comes again long after it, the plain overlay does not carry all connections either.
                Doubled++;
                to.Send(frame);
                to.Send(frame);
                break;
            case < 3 * Share:
                Late++;
                late.Enqueue((frame, to), Stopwatch.GetTimestamp() + (random.Next(1, LongestDelay) * Stopwatch.Frequency / 1000));
                break;
            default:
                to.Send(frame);
                break;
        }
    }
}
