using System.Globalization;

namespace OnCache.Agent.Net;

/// <summary>A 48-bit Ethernet address.</summary>
/// <param name="Value">The six octets as one number, first octet on the wire most significant.</param>
internal readonly record struct MacAddress(ulong Value)
{
    /// <summary>Octets of an address.</summary>
    public const int Length = 6;

    /// <summary>The all-zero address, which no station has.</summary>
    public bool IsZero => Value == 0;

    /// <summary>True for multicast and broadcast addresses (the group bit of the first octet).</summary>
    public bool IsGroup => (Value >> 40 & 1) != 0;

    /// <summary>Reads the six octets at the start of <paramref name="octets"/>.</summary>
    public static MacAddress Read(ReadOnlySpan<byte> octets)
    {
        ulong value = 0;
        foreach (var octet in octets[..Length])
        {
            value = value << 8 | octet;
        }

        return new MacAddress(value);
    }

    /// <summary>Reads the usual notation, <c>02:00:5e:10:00:01</c>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out MacAddress address)
    {
        address = default;
        if (text.Length != Length * 3 - 1)
        {
            return false;
        }

        ulong value = 0;
        for (var i = 0; i < Length; i++)
        {
            if (i > 0 && text[i * 3 - 1] != ':'
                || !byte.TryParse(text.Slice(i * 3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var octet))
            {
                return false;
            }

            value = value << 8 | octet;
        }

        address = new MacAddress(value);
        return true;
    }

    /// <summary>Reads the usual notation.</summary>
    /// <exception cref="FormatException">The text is no Ethernet address.</exception>
    public static MacAddress Parse(string text) =>
        TryParse(text, out var address)
            ? address
            : throw new FormatException($"'{text}' is not an Ethernet address like 02:00:5e:10:00:01");

    /// <summary>Writes the six octets in wire order.</summary>
    public void CopyTo(Span<byte> destination)
    {
        for (var i = 0; i < Length; i++)
        {
            destination[i] = (byte)(Value >> (40 - 8 * i));
        }
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        Span<byte> octets = stackalloc byte[Length];
        CopyTo(octets);
        return string.Create(CultureInfo.InvariantCulture,
            $"{octets[0]:x2}:{octets[1]:x2}:{octets[2]:x2}:{octets[3]:x2}:{octets[4]:x2}:{octets[5]:x2}");
    }
}
