using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Traffic;

/// <summary>The header fields of a UDP packet as a pod receives it.</summary>
internal readonly record struct SeenPacket(byte Tos, byte Ttl, int HeaderLength, int DestinationPort);

/// <summary>A raw socket in a pod that sees the UDP packets that arrive, header included.</summary>
internal sealed class PacketObserver(IPod pod) : IDisposable
{
    private readonly Socket socket = Sockets.Raw(pod, ProtocolType.Udp);

    /// <summary>The next packet to this port.</summary>
    public async Task<SeenPacket> NextAsync(IPEndPoint to)
    {
        while (true)
        {
            var packet = await Sockets.ReceiveAsync(socket, Patience.Long);
            packet.ShouldNotBeNull($"no packet arrived at {to}");
            var header = (packet[0] & 0xf) * 4;
            var port = BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(header + 2));
            if (port == to.Port)
            {
                return new SeenPacket(packet[1], packet[8], header, port);
            }
        }
    }

    public void Dispose() => socket.Dispose();
}
