using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace OnCache.Api;

/// <summary>Reads IPv4 addresses strictly: four decimal numbers without leading zeros.</summary>
public static class Ipv4Notation
{
    /// <summary>Reads <c>a.b.c.d</c>. The short, octal and hexadecimal forms of inet_aton are refused: they are mistakes in a configuration.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        Span<byte> bytes = stackalloc byte[4];
        var parts = text.Split('.');
        if (parts.Length != 4)
        {
            return false;
        }

        for (var i = 0; i < 4; i++)
        {
            var part = parts[i];
            if (part.Length is 0 or > 3
                || (part.Length > 1 && part[0] == '0')
                || !part.All(char.IsAsciiDigit)
                || !byte.TryParse(part, out bytes[i]))
            {
                return false;
            }
        }

        address = new IPAddress(bytes);
        return true;
    }

    /// <summary>Whether a pod can own the address: neither unspecified, loopback, link-local, multicast nor broadcast.</summary>
    public static bool IsPodAddress(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[4];
        return address.TryWriteBytes(bytes, out var written)
            && written == 4
            && bytes[0] is not 0 and not 127 and < 224
            && !(bytes[0] == 169 && bytes[1] == 254);
    }
}
