using System.Net;
using System.Net.Sockets;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Traffic;

/// <summary>Sockets made inside a member of the lab.</summary>
internal static class Sockets
{
    public static Socket Udp(INetworkMember member, IPAddress address, int port = 0) =>
        member.Run(() => Bound(new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp), address, port));

    public static Socket Udp(IPod pod) => Udp(pod, pod.Address);

    /// <summary>Sees whole IP packets, header included.</summary>
    public static Socket Raw(IPod pod, ProtocolType protocol) =>
        pod.Run(() => Bound(
            new Socket(AddressFamily.InterNetwork, SocketType.Raw, protocol) { ReceiveBufferSize = 1 << 20 }, pod.Address, 0));

    public static Socket Listener(INetworkMember member, IPAddress address, int port = 0) => member.Run(() =>
    {
        var socket = Bound(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp), address, port);
        socket.Listen();
        return socket;
    });

    /// <param name="limit">Patience.Long when left out.</param>
    public static async Task<Socket> ConnectAsync(INetworkMember member, EndPoint to, int fromPort = 0, TimeSpan? limit = null)
    {
        var socket = member.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
        try
        {
            if (fromPort != 0)
            {
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
                socket.Bind(new IPEndPoint(IPAddress.Any, fromPort));
            }

            using var patience = Patience.Of(limit ?? Patience.Long);
            await socket.ConnectAsync(to, patience.Token);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>A connection between two pods, both ends.</summary>
    public static async Task<(Socket Client, Socket Server)> ConnectAsync(IPod client, IPod server, int toPort = 0)
    {
        using var listener = Listener(server, server.Address, toPort);
        var accepting = listener.AcceptAsync(TestContext.Current.CancellationToken);
        var from = await ConnectAsync(client, EndPoint(listener));
        var to = await accepting;
        to.NoDelay = true;
        return (from, to);
    }

    /// <summary>The next message, or null when none comes within the limit.</summary>
    public static async Task<byte[]?> ReceiveAsync(Socket socket, TimeSpan limit)
    {
        using var patience = Patience.Of(limit);
        var buffer = new byte[65536];
        try
        {
            var length = await socket.ReceiveAsync(buffer, SocketFlags.None, patience.Token);
            return buffer[..length];
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    public static IPEndPoint EndPoint(Socket socket) => (IPEndPoint)socket.LocalEndPoint!;

    private static Socket Bound(Socket socket, IPAddress address, int port)
    {
        socket.Bind(new IPEndPoint(address, port));
        return socket;
    }
}
