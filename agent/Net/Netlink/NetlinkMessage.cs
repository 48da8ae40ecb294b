using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>One message received from the kernel; a view of the receive buffer.</summary>
internal readonly ref struct NetlinkMessage
{
    private NetlinkMessage(ReadOnlySpan<byte> message)
    {
        Type = MemoryMarshal.Read<ushort>(message[4..]);
        Flags = MemoryMarshal.Read<ushort>(message[6..]);
        Sequence = MemoryMarshal.Read<uint>(message[8..]);
        Payload = message[HeaderLength..];
    }

    public ushort Type { get; }

    public ushort Flags { get; }

    public uint Sequence { get; }

    /// <summary>What follows the header: the fixed part, then the attributes.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>Takes the first message off a datagram; false at its end or at something that is no message.</summary>
    public static bool TryTake(ref ReadOnlySpan<byte> datagram, out NetlinkMessage message)
    {
        message = default;
        if (datagram.Length < HeaderLength)
        {
            return false;
        }

        var length = MemoryMarshal.Read<uint>(datagram);
        if (length < HeaderLength || length > datagram.Length)
        {
            return false;
        }

        message = new NetlinkMessage(datagram[..(int)length]);
        datagram = datagram[Math.Min((int)length + 3 & ~3, datagram.Length)..];
        return true;
    }

    /// <summary>Reads the fixed part.</summary>
    public T Read<T>()
        where T : unmanaged => MemoryMarshal.Read<T>(Payload);

    /// <summary>The attributes after a fixed part of this type.</summary>
    public NetlinkAttributes Attributes<T>()
        where T : unmanaged => Attributes(Unsafe.SizeOf<T>());

    /// <summary>The attributes after a fixed part of <paramref name="fixedLength"/> octets.</summary>
    public NetlinkAttributes Attributes(int fixedLength) => new(Payload[Math.Min(fixedLength + 3 & ~3, Payload.Length)..]);
}
