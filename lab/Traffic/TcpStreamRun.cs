using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace OnCache.Lab.Traffic;

/// <summary>Bulk over one TCP connection, counted as the peer acknowledges it.</summary>
internal sealed unsafe class TcpStreamRun(TrafficRequest request, SessionOffer offer) : ClientRun(request, offer)
{
    private readonly DataSocket socket = DataSocket.Tcp();
    private long sent;

    protected override void Open()
    {
        socket.LimitWait(Patience);
        socket.Connect(Peer);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Loop(long deadline)
    {
        while (Stopwatch.GetTimestamp() < deadline)
        {
            if (!DataSocket.SendAll(socket.Descriptor, Buffer, Request.MessageSize))
            {
                throw new LabException($"traffic: {Peer} closed the connection");
            }

            sent += Request.MessageSize;
        }
    }

    protected override void Drain()
    {
        var patience = Stopwatch.StartNew();
        while (socket.AcknowledgedBytes() < sent)
        {
            if (patience.Elapsed > Patience)
            {
                throw new LabException($"traffic: {Peer} has not acknowledged what it was sent within {Patience.TotalSeconds} s");
            }

            // The receiver may need this core.
            Thread.Yield();
        }
    }

    protected override ClientProgress Progress()
    {
        var bytes = socket.AcknowledgedBytes();
        return new ClientProgress(bytes / 1024, bytes, 0, 0);
    }

    protected override void Close() => socket.Dispose();
}
