using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using OnCache.Lab.Interop;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Bench.Coherence;

/// <summary>Sees the packets that a node's tunnel device carries: those, and only those, that went the CNI's way.</summary>
internal sealed unsafe class TunnelTap : IDisposable
{
    private const int IpHeader = 20;
    private const int UdpHeader = 8;
    private const byte Udp = 17;
    private const ushort AllProtocolsBigEndian = 0x0300;
    private const int Buffer = 64 << 20;
    private readonly int fd;
    private long drained;

    private TunnelTap(int fd) => this.fd = fd;

    /// <exception cref="LabException">No packet socket could be made.</exception>
    public static TunnelTap Open(LabNode node) => node.Run(() =>
    {
        // Of all protocols: packets that leave are shown to no other packet socket.
        var socket = Libc.socket(Libc.AF_PACKET, Libc.SOCK_DGRAM | Libc.SOCK_CLOEXEC, AllProtocolsBigEndian);
        var tap = socket >= 0 ? new TunnelTap(socket) : throw Failure("socket");
        var address = new LinkAddress { Family = Libc.AF_PACKET, Protocol = AllProtocolsBigEndian, Interface = (int)Libc.if_nametoindex(node.TunnelDevice) };
        var room = Buffer;
        var wait = TimeValue.Of(TimeSpan.FromMilliseconds(100));
        if (Libc.bind(socket, &address, 20) != 0
            || Libc.setsockopt(socket, Libc.SOL_SOCKET, Libc.SO_RCVBUFFORCE, &room, sizeof(int)) != 0
            || Libc.setsockopt(socket, Libc.SOL_SOCKET, Libc.SO_RCVTIMEO, &wait, (uint)sizeof(TimeValue)) != 0)
        {
            tap.Dispose();
            throw Failure("bind");
        }

        return tap;
    });

    /// <summary>All that had passed by then, a Stopwatch timestamp, has been given out.</summary>
    public long Drained => Volatile.Read(ref drained);

    /// <summary>The payload of the next UDP packet to or from a port; false when none came for a while.</summary>
    /// <param name="port">Of the flow's client.</param>
    public bool TryNext(int port, Span<byte> payload, out bool leaves)
    {
        var packet = stackalloc byte[128];
        leaves = false;
        while (true)
        {
            var asked = Stopwatch.GetTimestamp();
            var length = (int)Libc.recv(fd, packet, 128, Libc.MSG_DONTWAIT);
            if (length < 0)
            {
                Volatile.Write(ref drained, asked);
                length = (int)Libc.recv(fd, packet, 128, 0);
            }

            if (length < 0)
            {
                return false;
            }

            var bytes = new ReadOnlySpan<byte>(packet, length);
            if (length < IpHeader + UdpHeader + payload.Length || bytes[9] != Udp)
            {
                continue;
            }

            leaves = BinaryPrimitives.ReadUInt16BigEndian(bytes[IpHeader..]) == port;
            if (leaves || BinaryPrimitives.ReadUInt16BigEndian(bytes[(IpHeader + 2)..]) == port)
            {
                bytes.Slice(IpHeader + UdpHeader, payload.Length).CopyTo(payload);
                return true;
            }
        }
    }

    public void Dispose() => _ = Libc.close(fd);

    private static LabException Failure(string call) => new($"tap of the tunnel: {call}: {Marshal.GetLastPInvokeErrorMessage()}");
}
