using System.Runtime.InteropServices;
using System.Text;

using static OnCache.Agent.Net.NetlinkProtocol;

namespace OnCache.Agent.Net;

/// <summary>Walks the attributes of a message: <c>foreach (var attribute in attributes)</c>.</summary>
internal ref struct NetlinkAttributes
{
    private ReadOnlySpan<byte> _rest;

    public NetlinkAttributes(ReadOnlySpan<byte> attributes) => _rest = attributes;

    /// <summary>The attribute the enumeration stands at.</summary>
    public NetlinkAttribute Current { get; private set; }

    public readonly NetlinkAttributes GetEnumerator() => this;

    /// <summary>Steps to the next attribute; false at the end or at something that is no attribute.</summary>
    public bool MoveNext()
    {
        if (_rest.Length < AttributeHeaderLength)
        {
            return false;
        }

        int length = MemoryMarshal.Read<ushort>(_rest);
        if (length < AttributeHeaderLength || length > _rest.Length)
        {
            return false;
        }

        var type = MemoryMarshal.Read<ushort>(_rest[2..]);
        Current = new NetlinkAttribute((ushort)(type & NLA_TYPE_MASK), _rest[AttributeHeaderLength..length]);
        _rest = _rest[Math.Min(length + 3 & ~3, _rest.Length)..];
        return true;
    }
}

/// <summary>One attribute: its type and a view of its value.</summary>
internal readonly ref struct NetlinkAttribute(ushort type, ReadOnlySpan<byte> value)
{
    public ushort Type { get; } = type;

    public ReadOnlySpan<byte> Value { get; } = value;

    /// <summary>The value as attributes of its own.</summary>
    public NetlinkAttributes Nested => new(Value);

    /// <summary>The value as a number in the machine's byte order; the default of a value too short.</summary>
    public T Read<T>()
        where T : unmanaged => MemoryMarshal.TryRead<T>(Value, out var number) ? number : default;

    /// <summary>The value as text without its closing zero.</summary>
    public string Text
    {
        get
        {
            var end = Value.IndexOf((byte)0);
            return Encoding.UTF8.GetString(end < 0 ? Value : Value[..end]);
        }
    }

    /// <summary>The value as an IPv4 address; null when it is not four octets long.</summary>
    public Ipv4Address? Ipv4 => Value.Length == Ipv4Address.Length ? Ipv4Address.Read(Value) : null;

    /// <summary>The value as an Ethernet address; null when it is not six octets long.</summary>
    public MacAddress? Mac => Value.Length == MacAddress.Length ? MacAddress.Read(Value) : null;
}
