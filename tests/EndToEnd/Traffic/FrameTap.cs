using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using OnCache.Agent.Net;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Traffic;

/// <summary>A frame that a device received.</summary>
internal readonly record struct SeenFrame(string Device, byte[] Bytes);

/// <summary>Sees what the devices of one network namespace receive, before any program of tc does: packet(7).</summary>
internal sealed class FrameTap : IDisposable
{
    private const int AllProtocols = 3;
    private const int IndexOffset = 4;
    private const int PacketTypeOffset = 10;
    private const byte Outgoing = 4;
    private readonly INetworkMember member;
    private readonly Socket socket;

    public FrameTap(INetworkMember member)
    {
        this.member = member;
        socket = member.Run(static () => new Socket(AddressFamily.Packet, SocketType.Raw, (ProtocolType)IPAddress.HostToNetworkOrder((short)AllProtocols)) { Blocking = false });
    }

    /// <summary>All frames since the last call.</summary>
    public IReadOnlyList<SeenFrame> Take()
    {
        var names = member.Run(static () => NetworkSnapshotReader.Read().Links.ToDictionary(static link => link.Key, static link => link.Value.Name));
        var frames = new List<SeenFrame>();
        var buffer = new byte[65536];
        while (socket.Available > 0)
        {
            // Each receive cuts it to the size of what it was given.
            var from = new SocketAddress(AddressFamily.Packet);
            var length = socket.ReceiveFrom(buffer, SocketFlags.None, from);
            var address = from.Buffer.Span;
            if (address[PacketTypeOffset] != Outgoing)
            {
                var index = BinaryPrimitives.ReadInt32LittleEndian(address[IndexOffset..]);
                frames.Add(new SeenFrame(names.GetValueOrDefault(index, "gone"), buffer[..length]));
            }
        }

        return frames;
    }

    public void Dispose() => socket.Dispose();
}
