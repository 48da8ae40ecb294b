using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OnCache.Lab.Interop;

namespace OnCache.Lab.Traffic;

/// <summary>Datagrams one way, at most a window ahead of the receiver's reports, counted as the receiver counts them.</summary>
internal sealed unsafe class UdpStreamRun(TrafficRequest request, SessionOffer offer) : ClientRun(request, offer)
{
    private readonly UdpPeer peer = new(request, offer);
    private long sent;
    private long acknowledged;
    private long received;

    protected override void Open() => peer.Greet(Buffer);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Loop(long deadline)
    {
        var (fd, size) = (peer.Descriptor, (nuint)Request.MessageSize);
        var timeouts = 0;
        while (Stopwatch.GetTimestamp() < deadline)
        {
            while (sent - acknowledged < UdpWindow.Datagrams)
            {
                *(long*)Buffer = sent++;
                _ = Libc.send(fd, Buffer, size, Libc.MSG_NOSIGNAL);
            }

            timeouts = AwaitReport(fd) ? 0 : timeouts + 1;
            peer.GiveUpAfter(timeouts);
        }
    }

    protected override void Drain()
    {
        // The receiver says nothing of what is less than a report.
        for (var timeouts = 0; sent - acknowledged >= UdpWindow.ReportEvery;)
        {
            timeouts = AwaitReport(peer.Descriptor) ? 0 : timeouts + 1;
            peer.GiveUpAfter(timeouts);
        }
    }

    protected override ClientProgress Progress() => new(received, received * Request.MessageSize, sent, 0);

    protected override void Close() => peer.Dispose();

    /// <summary>Takes the next report. When none comes, the window or its report was lost: the window opens anew.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool AwaitReport(int fd)
    {
        UdpReport report;
        while (true)
        {
            var length = Libc.recv(fd, &report, (nuint)sizeof(UdpReport), 0);
            if (length == sizeof(UdpReport))
            {
                acknowledged = Math.Max(acknowledged, report.Next);
                received = Math.Max(received, report.Received);
                return true;
            }

            if (length < 0 && Marshal.GetLastSystemError() != Libc.EINTR)
            {
                acknowledged = sent;
                return false;
            }
        }
    }
}
