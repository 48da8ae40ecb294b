using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace OnCache.Api;

/// <summary>A range of IPv4 addresses.</summary>
public readonly record struct Ipv4Cidr
{
    private Ipv4Cidr(uint network, int prefixLength)
    {
        Network = network;
        PrefixLength = prefixLength;
    }

    /// <summary>The first address, in host byte order; bits past the prefix are zero.</summary>
    public uint Network { get; }

    /// <summary>0 to 32.</summary>
    public int PrefixLength { get; }

    /// <summary>The first address.</summary>
    public IPAddress Address
    {
        get
        {
            Span<byte> bytes = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(bytes, Network);
            return new IPAddress(bytes);
        }
    }

    /// <summary>Reads <c>a.b.c.d/n</c>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="cidr">The range.</param>
    /// <param name="expected">What would be right, when the text is not: the rest of a sentence.</param>
    /// <returns>Whether the text is a range with all host bits zero.</returns>
    public static bool TryParse(string text, out Ipv4Cidr cidr, out string expected)
    {
        cidr = default;
        expected = "use an IPv4 range such as 10.1.0.0/16";
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0
            || !Ipv4Notation.TryParse(text[..slash], out var address)
            || !int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var prefixLength)
            || prefixLength > 32)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[4];
        _ = address.TryWriteBytes(bytes, out _);
        var value = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        cidr = new Ipv4Cidr(value & Mask(prefixLength), prefixLength);
        if (cidr.Network != value)
        {
            expected = $"its host bits must be zero: use {cidr}";
            cidr = default;
            return false;
        }

        return true;
    }

    /// <summary>Whether the address lies within; never for one that is not IPv4.</summary>
    public bool Contains(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[4];
        return address.AddressFamily == AddressFamily.InterNetwork
            && address.TryWriteBytes(bytes, out _)
            && (BinaryPrimitives.ReadUInt32BigEndian(bytes) & Mask(PrefixLength)) == Network;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Address}/{PrefixLength}";

    // A shift by 32 is a shift by 0 in C#, so the empty prefix needs its own answer.
    private static uint Mask(int prefixLength) => prefixLength == 0 ? 0 : uint.MaxValue << (32 - prefixLength);
}
