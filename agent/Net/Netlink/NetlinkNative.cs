using System.Runtime.InteropServices;

using Microsoft.Win32.SafeHandles;

namespace OnCache.Agent.Net;

/// <summary>The system calls behind netlink sockets, under their native names (netlink(7)).</summary>
internal static unsafe partial class NetlinkNative
{
    public const int AF_NETLINK = 16;
    public const int SOCK_RAW = 3;
    public const int SOCK_CLOEXEC = 0x80000;
    public const int SOL_NETLINK = 270;
    public const int SOL_SOCKET = 1;
    public const int SO_RCVBUF = 8;
    public const int SO_RCVTIMEO = 20;
    public const int SO_RCVBUFFORCE = 33;
    public const int NETLINK_ADD_MEMBERSHIP = 1;
    public const int NETLINK_CAP_ACK = 10;
    public const int NETLINK_EXT_ACK = 11;
    public const int MSG_TRUNC = 0x20;
    public const int MSG_DONTWAIT = 0x40;
    public const int EFD_CLOEXEC = 0x80000;
    public const int EFD_NONBLOCK = 0x800;
    public const short POLLIN = 1;

    public const int EPERM = 1;
    public const int ENOENT = 2;
    public const int EINTR = 4;
    public const int EAGAIN = 11;
    public const int ENODEV = 19;
    public const int EINVAL = 22;
    public const int EPROTONOSUPPORT = 93;
    public const int EOPNOTSUPP = 95;
    public const int ENOBUFS = 105;

    /// <summary><c>struct sockaddr_nl</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct SockaddrNl
    {
        public ushort Family;
        public ushort Pad;
        public uint PortId;
        public uint Groups;
    }

    /// <summary><c>struct pollfd</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PollFd
    {
        public int Fd;
        public short Events;
        public short Revents;
    }

    /// <summary><c>struct timeval</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct TimeVal
    {
        public long Seconds;
        public long Microseconds;
    }

    [LibraryImport("libc", SetLastError = true)]
    public static partial NetlinkHandle socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int bind(NetlinkHandle socket, SockaddrNl* address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setsockopt(NetlinkHandle socket, int level, int option, void* value, uint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int getsockopt(NetlinkHandle socket, int level, int option, void* value, uint* length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint send(NetlinkHandle socket, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint recv(NetlinkHandle socket, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial NetlinkHandle eventfd(uint initial, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint read(NetlinkHandle fd, void* buffer, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint write(NetlinkHandle fd, void* buffer, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int poll(PollFd* fds, nuint count, int timeoutMilliseconds);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(nint fd);

    /// <summary>Owns one file descriptor.</summary>
    internal sealed class NetlinkHandle : SafeHandleMinusOneIsInvalid
    {
        public NetlinkHandle()
            : base(ownsHandle: true)
        {
        }

        protected override bool ReleaseHandle() => close(handle) == 0;
    }
}
