using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace OnCache.Agent.Net;

/// <summary>An IPv4 address.</summary>
/// <param name="Value">The address as a number in host order: 10.0.0.1 is 0x0a000001.</param>
internal readonly record struct Ipv4Address(uint Value) : IComparable<Ipv4Address>
{
    /// <summary>Octets of an address.</summary>
    public const int Length = 4;

    /// <summary>0.0.0.0, the kernel's "none".</summary>
    public bool IsAny => Value == 0;

    /// <summary>Reads four octets in wire order.</summary>
    public static Ipv4Address Read(ReadOnlySpan<byte> octets) => new(BinaryPrimitives.ReadUInt32BigEndian(octets));

    /// <summary>Converts from the framework's type.</summary>
    /// <exception cref="ArgumentException">The address is not an IPv4 address.</exception>
    public static Ipv4Address From(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetwork)
        {
            throw new ArgumentException($"{address} is not an IPv4 address", nameof(address));
        }

        Span<byte> octets = stackalloc byte[Length];
        address.TryWriteBytes(octets, out _);
        return Read(octets);
    }

    /// <summary>Reads dotted decimal notation with all four octets.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Ipv4Address address)
    {
        address = default;
        uint value = 0;
        var octets = 0;
        foreach (var range in text.Split('.'))
        {
            if (++octets > Length || !byte.TryParse(text[range], NumberStyles.None, CultureInfo.InvariantCulture, out var octet))
            {
                return false;
            }

            value = value << 8 | octet;
        }

        address = new Ipv4Address(value);
        return octets == Length;
    }

    /// <summary>Reads dotted decimal notation with all four octets.</summary>
    /// <exception cref="FormatException">The text is no IPv4 address.</exception>
    public static Ipv4Address Parse(string text) =>
        TryParse(text, out var address) ? address : throw new FormatException($"'{text}' is not an IPv4 address like 10.0.0.1");

    /// <summary>Writes four octets in wire order.</summary>
    public void CopyTo(Span<byte> destination) => BinaryPrimitives.WriteUInt32BigEndian(destination, Value);

    /// <inheritdoc/>
    public int CompareTo(Ipv4Address other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Value >> 24}.{Value >> 16 & 0xff}.{Value >> 8 & 0xff}.{Value & 0xff}");

    public static bool operator <(Ipv4Address left, Ipv4Address right) => left.Value < right.Value;

    public static bool operator >(Ipv4Address left, Ipv4Address right) => left.Value > right.Value;

    public static bool operator <=(Ipv4Address left, Ipv4Address right) => left.Value <= right.Value;

    public static bool operator >=(Ipv4Address left, Ipv4Address right) => left.Value >= right.Value;
}
