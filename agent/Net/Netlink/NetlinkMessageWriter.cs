using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>Builds one netlink message in a caller's buffer: header, fixed part, attributes.</summary>
/// <remarks>Netlink is in the machine's byte order and pads everything to four octets.</remarks>
internal ref struct NetlinkMessageWriter
{
    private readonly Span<byte> _buffer;
    private int _length;

    /// <summary>Starts a message; the buffer's content need not be cleared.</summary>
    public NetlinkMessageWriter(Span<byte> buffer, ushort type, ushort flags)
    {
        _buffer = buffer;
        _length = HeaderLength;
        buffer[..HeaderLength].Clear();
        MemoryMarshal.Write(buffer[4..], type);
        MemoryMarshal.Write(buffer[6..], flags);
    }

    /// <summary>Appends the fixed part that follows the header.</summary>
    public void Write<T>(in T value)
        where T : unmanaged
    {
        var size = Unsafe.SizeOf<T>();
        MemoryMarshal.Write(Reserve(size), value);
    }

    /// <summary>Appends an attribute.</summary>
    public void Attribute(ushort type, scoped ReadOnlySpan<byte> value)
    {
        var span = Reserve(AttributeHeaderLength + value.Length);
        MemoryMarshal.Write(span, (ushort)(AttributeHeaderLength + value.Length));
        MemoryMarshal.Write(span[2..], type);
        value.CopyTo(span[AttributeHeaderLength..]);
    }

    /// <summary>Appends an attribute that holds one number in the machine's byte order.</summary>
    public void Attribute<T>(ushort type, T value)
        where T : unmanaged => Attribute(type, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    /// <summary>Opens a nested attribute; pass the result to <see cref="EndNested"/>.</summary>
    public int BeginNested(ushort type)
    {
        var start = _length;
        MemoryMarshal.Write(Reserve(AttributeHeaderLength)[2..], type);
        return start;
    }

    /// <summary>Closes a nested attribute.</summary>
    public readonly void EndNested(int start) => MemoryMarshal.Write(_buffer[start..], (ushort)(_length - start));

    /// <summary>Completes the message and returns it.</summary>
    public readonly Span<byte> Finish()
    {
        MemoryMarshal.Write(_buffer, (uint)_length);
        return _buffer[.._length];
    }

    private Span<byte> Reserve(int size)
    {
        var padded = size + 3 & ~3;
        var span = _buffer.Slice(_length, padded);
        span.Clear();
        _length += padded;
        return span;
    }
}
