namespace OnCache.Agent.Net;

/// <summary>An IPv4 network: an address whose host bits are zero, and the number of network bits (0 to 32).</summary>
internal readonly record struct Ipv4Prefix
{
    /// <summary>The longest prefix, one address.</summary>
    public const int MaxLength = 32;

    /// <summary>Makes the network of <paramref name="length"/> bits that holds <paramref name="address"/>.</summary>
    public Ipv4Prefix(Ipv4Address address, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)MaxLength, nameof(length));
        Network = new Ipv4Address(address.Value & Mask(length));
        Length = length;
    }

    /// <summary>0.0.0.0/0.</summary>
    public static Ipv4Prefix Everything => default;

    public Ipv4Address Network { get; }

    public int Length { get; }

    /// <summary>True when <paramref name="address"/> lies in this network.</summary>
    public bool Contains(Ipv4Address address) => (address.Value & Mask(Length)) == Network.Value;

    /// <summary>Reads <c>10.0.0.0/8</c>; an address alone is a /32.</summary>
    /// <exception cref="FormatException">The text is no IPv4 network.</exception>
    public static Ipv4Prefix Parse(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var length = MaxLength;
        if (slash >= 0 && (!int.TryParse(text.AsSpan(slash + 1), out length) || (uint)length > MaxLength))
        {
            throw new FormatException($"'{text}' is not an IPv4 network like 10.0.0.0/8");
        }

        return new Ipv4Prefix(Ipv4Address.Parse(slash < 0 ? text : text[..slash]), length);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Network}/{Length}";

    // A shift by 32 would be a shift by 0 in C#.
    private static uint Mask(int length) => length == 0 ? 0 : uint.MaxValue << (MaxLength - length);
}
