using System.Runtime.InteropServices;

namespace OnCache.Lab.Interop;

/// <summary>Packet sockets, and waits shorter than a millisecond.</summary>
internal static unsafe partial class Libc
{
    internal const int AF_PACKET = 17;
    internal const int SOCK_DGRAM = 2;

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int bind(int fd, LinkAddress* address, uint length);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial uint if_nametoindex(string device);

    [LibraryImport("libc")]
    internal static partial int nanosleep(TimeSpec* time, TimeSpec* remaining);
}

/// <summary>struct sockaddr_ll.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LinkAddress
{
    public ushort Family;

    /// <summary>In network byte order.</summary>
    public ushort Protocol;
    public int Interface;
    public ushort HardwareType;
    public byte PacketType;
    public byte AddressLength;
    public ulong Address;
}
