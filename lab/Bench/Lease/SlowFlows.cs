using System.Diagnostics;
using System.Runtime.InteropServices;
using OnCache.Lab.Bench.Running;
using OnCache.Lab.Interop;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Bench.Lease;

/// <summary>Many flows of UDP between two pods, each of an asking socket and an answering one. One thread serves both sides, so that all work is on its core.</summary>
internal sealed unsafe class SlowFlows : IDisposable
{
    public const int Askers = 100;

    /// <summary>Answers to one asker that its socket has room for.</summary>
    public const int MostPeers = 200;
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(200);
    private readonly List<DataSocket> asking = [];
    private readonly List<DataSocket> answering = [];
    private readonly SocketAddressV4[] peers;

    /// <param name="path">From whom to whom.</param>
    /// <param name="flows">A multiple of <see cref="Askers"/>.</param>
    public SlowFlows(BenchPath path, int flows)
    {
        peers = new SocketAddressV4[flows / Askers];
        path.Client.Run(() =>
        {
            for (var index = 0; index < Askers; index++)
            {
                asking.Add(Socket());
            }
        });
        path.Server.Run(() =>
        {
            for (var index = 0; index < peers.Length; index++)
            {
                answering.Add(Socket());
                peers[index] = SocketAddressV4.Of(path.Address, answering[index].BindToFreePort(path.Address));
            }
        });
    }

    /// <summary>How many flows.</summary>
    public int Count => Askers * peers.Length;

    /// <summary>One exchange on each flow of an asker.</summary>
    /// <returns>How long it took.</returns>
    /// <exception cref="LabException">A datagram was lost: its time would be the timeout's.</exception>
    public TimeSpan Exchange(int asker)
    {
        var (message, start, own) = (0L, Stopwatch.GetTimestamp(), asking[asker].Descriptor);
        fixed (SocketAddressV4* to = peers)
        {
            for (var peer = 0; peer < peers.Length; peer++)
            {
                Expect(Libc.sendto(own, &message, sizeof(long), Libc.MSG_NOSIGNAL, to + peer, (uint)sizeof(SocketAddressV4)), "send");
            }
        }

        foreach (var peer in answering)
        {
            SocketAddressV4 from;
            var length = (uint)sizeof(SocketAddressV4);
            Expect(Libc.recvfrom(peer.Descriptor, &message, sizeof(long), 0, &from, &length), "receive");
            Expect(Libc.sendto(peer.Descriptor, &message, sizeof(long), Libc.MSG_NOSIGNAL, &from, length), "send");
        }

        for (var peer = 0; peer < peers.Length; peer++)
        {
            Expect(Libc.recv(own, &message, sizeof(long), 0), "receive");
        }

        return Stopwatch.GetElapsedTime(start);
    }

    public void Dispose()
    {
        asking.ForEach(socket => socket.Dispose());
        answering.ForEach(socket => socket.Dispose());
    }

    private static DataSocket Socket()
    {
        var socket = DataSocket.Udp();
        socket.LimitWait(s_patience);
        return socket;
    }

    private static void Expect(nint done, string call)
    {
        if (done != sizeof(long))
        {
            throw DataSocket.Failure(call, Marshal.GetLastSystemError());
        }
    }
}
