using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OnCache.Lab.Interop;

namespace OnCache.Lab.Traffic;

/// <summary>Request and response in datagrams; a lost one is counted and the next is sent.</summary>
internal sealed unsafe class UdpExchangeRun(TrafficRequest request, SessionOffer offer) : ClientRun(request, offer)
{
    private readonly UdpPeer peer = new(request, offer);
    private long sequence;
    private long done;
    private long lost;

    protected override void Open() => peer.Greet(Buffer);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Loop(long deadline)
    {
        var (fd, size) = (peer.Descriptor, (nuint)Request.MessageSize);
        var lostInARow = 0;
        var now = Stopwatch.GetTimestamp();
        while (now < deadline)
        {
            *(long*)Buffer = ++sequence;
            _ = Libc.send(fd, Buffer, size, Libc.MSG_NOSIGNAL);
            var answered = Await(fd, size);
            var then = now;
            now = Stopwatch.GetTimestamp();
            if (answered)
            {
                Latency.Record(now - then);
                done++;
                lostInARow = 0;
            }
            else
            {
                lost++;
                peer.GiveUpAfter(++lostInARow);
            }

            now = Pace(now);
        }
    }

    protected override ClientProgress Progress() => new(done, done * Request.MessageSize, sequence, lost);

    protected override void Close() => peer.Dispose();

    /// <summary>True when the answer to the current request came; answers to given-up requests are passed over.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool Await(int fd, nuint size)
    {
        while (true)
        {
            var received = Libc.recv(fd, Buffer, size, 0);
            if (received >= sizeof(long) && *(long*)Buffer == sequence)
            {
                return true;
            }

            if (received < 0 && Marshal.GetLastSystemError() != Libc.EINTR)
            {
                return false;
            }
        }
    }
}
