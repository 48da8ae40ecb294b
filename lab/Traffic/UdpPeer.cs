using System.Net;
using OnCache.Lab.Interop;

namespace OnCache.Lab.Traffic;

/// <summary>A datagram socket connected to the server's, after a greeting in both directions.</summary>
internal sealed unsafe class UdpPeer : IDisposable
{
    private const int Attempts = 15;
    private static readonly TimeSpan Timeout = TimeSpan.FromMilliseconds(200);
    private readonly DataSocket socket = DataSocket.Udp();
    private readonly IPEndPoint peer;
    private readonly int size;

    public UdpPeer(TrafficRequest request, SessionOffer offer)
    {
        peer = new IPEndPoint(request.To, offer.Port);
        size = request.MessageSize;
    }

    public int Descriptor => socket.Descriptor;

    /// <summary>Sends the greeting until it comes back.</summary>
    public void Greet(byte* buffer)
    {
        socket.LimitWait(Timeout);
        socket.Connect(peer);
        for (var attempt = 1; ; attempt++)
        {
            *(long*)buffer = UdpWindow.Hello;
            _ = Libc.send(Descriptor, buffer, (nuint)size, Libc.MSG_NOSIGNAL);
            if (Libc.recv(Descriptor, buffer, (nuint)size, 0) >= sizeof(long))
            {
                return;
            }

            GiveUpAfter(attempt);
        }
    }

    /// <exception cref="LabException">So many timeouts in a row that the path is broken.</exception>
    public void GiveUpAfter(int timeouts)
    {
        if (timeouts >= Attempts)
        {
            throw DataSocket.Failure($"datagrams to {peer}", Libc.EAGAIN);
        }
    }

    public void Dispose() => socket.Dispose();
}
