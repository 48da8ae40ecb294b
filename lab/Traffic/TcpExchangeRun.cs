using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace OnCache.Lab.Traffic;

/// <summary>Request and response over one TCP connection.</summary>
internal sealed unsafe class TcpExchangeRun(TrafficRequest request, SessionOffer offer) : ClientRun(request, offer)
{
    private readonly DataSocket socket = DataSocket.Tcp();
    private long done;

    protected override void Open()
    {
        socket.LimitWait(Patience);
        socket.Connect(Peer);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Loop(long deadline)
    {
        var (fd, size, buffer) = (socket.Descriptor, Request.MessageSize, (nint)Buffer);
        var now = Stopwatch.GetTimestamp();
        while (now < deadline)
        {
            if (!DataSocket.SendAll(fd, (byte*)buffer, size) || !DataSocket.ReceiveAll(fd, (byte*)buffer, size))
            {
                throw new LabException($"traffic: {Peer} closed the connection");
            }

            var then = now;
            now = Stopwatch.GetTimestamp();
            Latency.Record(now - then);
            done++;
            now = Pace(now);
        }
    }

    protected override ClientProgress Progress() => new(done, done * Request.MessageSize, done, 0);

    protected override void Close() => socket.Dispose();
}
