using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;

namespace OnCache.Lab.Interop;

/// <summary>The calls of the traffic loops: blittable and without wrappers; after a failure errno is read by Marshal.GetLastSystemError.</summary>
internal static unsafe partial class Libc
{
    internal const int AF_INET = 2;
    internal const int SOCK_STREAM = 1;
    internal const int SOCK_CLOEXEC = 0x80000;
    internal const int IPPROTO_TCP = 6;
    internal const int TCP_NODELAY = 1;
    internal const int TCP_INFO = 11;
    internal const int SOL_SOCKET = 1;
    internal const int SO_RCVTIMEO = 20;
    internal const int SO_SNDTIMEO = 21;
    internal const int SO_RCVBUFFORCE = 33;
    internal const int MSG_DONTWAIT = 0x40;
    internal const int MSG_NOSIGNAL = 0x4000;
    internal const int SHUT_RD = 0;
    internal const int EINTR = 4;
    internal const int EAGAIN = 11;

    [LibraryImport("libc")]
    internal static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc")]
    internal static partial int connect(int fd, SocketAddressV4* address, uint length);

    [LibraryImport("libc")]
    internal static partial int accept4(int fd, void* address, uint* length, int flags);

    [LibraryImport("libc")]
    internal static partial nint send(int fd, void* data, nuint length, int flags);

    [LibraryImport("libc")]
    internal static partial nint recv(int fd, void* data, nuint length, int flags);

    [LibraryImport("libc")]
    internal static partial nint sendto(int fd, void* data, nuint length, int flags, SocketAddressV4* to, uint toLength);

    [LibraryImport("libc")]
    internal static partial nint recvfrom(int fd, void* data, nuint length, int flags, SocketAddressV4* from, uint* fromLength);

    [LibraryImport("libc")]
    internal static partial int setsockopt(int fd, int level, int name, void* value, uint length);

    [LibraryImport("libc")]
    internal static partial int shutdown(int fd, int how);

    [LibraryImport("libc", EntryPoint = "close")]
    internal static partial int CloseSocket(int fd);
}

/// <summary>struct sockaddr_in; port and address in network byte order.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SocketAddressV4
{
    public ushort Family;
    public ushort Port;
    public uint Address;
    public ulong Zero;

    public static SocketAddressV4 Of(IPAddress address, int port) => new()
    {
        Family = Libc.AF_INET,
        Port = BinaryPrimitives.ReverseEndianness((ushort)port),
        Address = MemoryMarshal.Read<uint>(address.GetAddressBytes()),
    };
}

/// <summary>struct timeval.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TimeValue
{
    public long Seconds;
    public long Microseconds;

    public static TimeValue Of(TimeSpan span) =>
        new() { Seconds = (long)span.TotalSeconds, Microseconds = span.Ticks % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMicrosecond };
}
