using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Traffic;

/// <summary>What the devices of one network namespace receive, before any program of tc sees it: packet(7).</summary>
internal sealed class FrameReceiver(INetworkMember member) : IDisposable
{
    private const int AllProtocols = 3;
    private const int IndexOffset = 4;
    private const int PacketTypeOffset = 10;
    private const byte Outgoing = 4;
    private readonly byte[] buffer = new byte[65536];

    private readonly Socket socket = member.Run(static () =>
        new Socket(AddressFamily.Packet, SocketType.Raw, (ProtocolType)IPAddress.HostToNetworkOrder((short)AllProtocols)) { ReceiveBufferSize = 1 << 22 });

    /// <summary>The next frame that some device received, by the device's number; null where none comes within <paramref name="patience"/>.</summary>
    public (int Device, byte[] Frame)? Take(TimeSpan patience)
    {
        while (socket.Poll(patience, SelectMode.SelectRead))
        {
            // Each receive cuts it to the size of what it was given.
            var from = new SocketAddress(AddressFamily.Packet);
            var length = socket.ReceiveFrom(buffer, SocketFlags.None, from);
            var address = from.Buffer.Span;
            if (address[PacketTypeOffset] != Outgoing)
            {
                return (BinaryPrimitives.ReadInt32LittleEndian(address[IndexOffset..]), buffer[..length]);
            }
        }

        return null;
    }

    public void Dispose() => socket.Dispose();
}
