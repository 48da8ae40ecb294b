using System.Buffers.Binary;

namespace OnCache.EndToEnd.Traffic;

/// <summary>RFC 1071.</summary>
internal static class InternetChecksum
{
    /// <param name="bytes">Of even length, with a zero checksum field.</param>
    /// <param name="sum">What is to be summed beside them.</param>
    public static ushort Of(ReadOnlySpan<byte> bytes, uint sum = 0)
    {
        for (var i = 0; i < bytes.Length; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
        }

        sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~((sum & 0xffff) + (sum >> 16));
    }
}
