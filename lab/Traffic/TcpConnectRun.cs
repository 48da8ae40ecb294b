using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OnCache.Lab.Interop;

namespace OnCache.Lab.Traffic;

/// <summary>A TCP connection for every exchange; the server closes first and so keeps the TIME_WAIT, the client's ports stay free.</summary>
internal sealed unsafe class TcpConnectRun(TrafficRequest request, SessionOffer offer) : ClientRun(request, offer)
{
    private SocketAddressV4 address;
    private long done;

    protected override void Open() => address = SocketAddressV4.Of(Peer.Address, Peer.Port);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Loop(long deadline)
    {
        var now = Stopwatch.GetTimestamp();
        while (now < deadline)
        {
            Exchange(Request.MessageSize);
            var then = now;
            now = Stopwatch.GetTimestamp();
            Latency.Record(now - then);
            done++;
        }
    }

    protected override ClientProgress Progress() => new(done, done * Request.MessageSize, done, 0);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Exchange(int size)
    {
        var fd = Libc.socket(Libc.AF_INET, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
        {
            throw DataSocket.Failure("socket", Marshal.GetLastSystemError());
        }

        try
        {
            var yes = 1;
            var limit = TimeValue.Of(Patience);
            var to = address;
            _ = Libc.setsockopt(fd, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, &yes, sizeof(int));
            _ = Libc.setsockopt(fd, Libc.SOL_SOCKET, Libc.SO_RCVTIMEO, &limit, (uint)sizeof(TimeValue));
            if (Libc.connect(fd, &to, (uint)sizeof(SocketAddressV4)) != 0)
            {
                throw DataSocket.Failure("connect", Marshal.GetLastSystemError());
            }

            if (!DataSocket.SendAll(fd, Buffer, size) || !DataSocket.ReceiveAll(fd, Buffer, size))
            {
                throw new LabException($"traffic: {Peer} closed the connection");
            }

            // One more byte never comes: this waits for the server's FIN.
            _ = DataSocket.ReceiveAll(fd, Buffer, 1);
        }
        finally
        {
            _ = Libc.CloseSocket(fd);
        }
    }
}
