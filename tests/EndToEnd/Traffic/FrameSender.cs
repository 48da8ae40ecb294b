using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using OnCache.Agent.Net;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Traffic;

/// <summary>Puts frames on a device as they are, by packet(7): no checksum is left to it.</summary>
internal sealed class FrameSender : IDisposable
{
    private const int IndexOffset = 4;
    private readonly Socket socket;
    private readonly SocketAddress device = new(AddressFamily.Packet, 20);

    public FrameSender(INetworkMember member, string device)
    {
        socket = member.Run(static () => new Socket(AddressFamily.Packet, SocketType.Raw, ProtocolType.Unspecified));
        var index = member.Run(() => NetworkSnapshotReader.Read().LinkByName(device)!.IfIndex);
        BinaryPrimitives.WriteInt32LittleEndian(this.device.Buffer.Span[IndexOffset..], index);
    }

    public void Send(byte[] frame) => socket.SendTo(frame, SocketFlags.None, device);

    public void Dispose() => socket.Dispose();
}
