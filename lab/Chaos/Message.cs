using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace OnCache.Lab.Chaos;

/// <summary>What every message says of itself: who sent it, to which address, and when. An answer bears the name of who answers.</summary>
internal readonly record struct Message(string Pod, IPAddress Addressed, TimeSpan Opened, TimeSpan Sent)
{
    /// <summary>Bytes.</summary>
    public const int Size = 64;

    // A UID is written as 36 characters.
    private const int AddressAt = 36;
    private const int OpenedAt = 40;
    private const int SentAt = 48;

    public void Write(Span<byte> buffer)
    {
        _ = Encoding.ASCII.GetBytes(Pod, buffer);
        _ = Addressed.TryWriteBytes(buffer[AddressAt..], out _);
        BinaryPrimitives.WriteInt64LittleEndian(buffer[OpenedAt..], Opened.Ticks);
        BinaryPrimitives.WriteInt64LittleEndian(buffer[SentAt..], Sent.Ticks);
    }

    public static Message Read(ReadOnlySpan<byte> buffer) => new(
        Encoding.ASCII.GetString(buffer[..AddressAt]),
        new IPAddress(buffer[AddressAt..OpenedAt]),
        new TimeSpan(BinaryPrimitives.ReadInt64LittleEndian(buffer[OpenedAt..])),
        new TimeSpan(BinaryPrimitives.ReadInt64LittleEndian(buffer[SentAt..])));
}
