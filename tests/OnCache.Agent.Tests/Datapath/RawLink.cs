using System.Buffers.Binary;
using System.Runtime.InteropServices;

using Microsoft.Win32.SafeHandles;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>Frames in and out of one device, as they are: packet(7).</summary>
internal sealed partial class RawLink : IDisposable
{
    private const int AF_PACKET = 17;
    private const int SOCK_RAW = 3;
    private const int SOCK_CLOEXEC = 0x80000;
    private const int SOL_SOCKET = 1;
    private const int SO_RCVTIMEO = 20;
    private const ushort ETH_P_ALL = 3;

    private readonly SafeFileHandle _socket;

    /// <summary>In the calling thread's network namespace.</summary>
    public RawLink(int ifIndex)
    {
        var protocol = BinaryPrimitives.ReverseEndianness(ETH_P_ALL);
        _socket = new SafeFileHandle(Check(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, protocol), "open a packet socket"), ownsHandle: true);
        var address = new LinkAddress { Family = AF_PACKET, Protocol = protocol, IfIndex = ifIndex };
        Check(bind(_socket, in address, Marshal.SizeOf<LinkAddress>()), "bind a packet socket");
        var timeout = new Timeval { Seconds = 5 };
        Check(setsockopt(_socket, SOL_SOCKET, SO_RCVTIMEO, in timeout, Marshal.SizeOf<Timeval>()), "set the timeout of a packet socket");
    }

    public void Send(byte[] frame) => Check((int)send(_socket, frame, (nuint)frame.Length, 0), "send a frame");

    /// <summary>The next frame that fits; fails when none comes within seconds.</summary>
    public byte[] Receive(Predicate<byte[]> fits)
    {
        var buffer = new byte[4096];
        while (true)
        {
            var frame = buffer[..Check((int)recv(_socket, buffer, (nuint)buffer.Length, 0), "receive a frame")];
            if (fits(frame))
            {
                return frame;
            }
        }
    }

    public void Dispose() => _socket.Dispose();

    private static int Check(int result, string operation) =>
        result >= 0 ? result : throw new IOException($"{operation}: {Marshal.GetLastPInvokeErrorMessage()}");

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int family, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int bind(SafeFileHandle socket, in LinkAddress address, int length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(SafeFileHandle socket, int level, int option, in Timeval value, int length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(SafeFileHandle socket, byte[] data, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(SafeFileHandle socket, [Out] byte[] data, nuint length, int flags);

    /// <summary><c>struct sockaddr_ll</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct LinkAddress
    {
        public ushort Family;
        public ushort Protocol;
        public int IfIndex;
        public ushort HardwareType;
        public byte PacketType;
        public byte AddressLength;
        public ulong Address;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Timeval
    {
        public long Seconds;
        public long Microseconds;
    }
}
