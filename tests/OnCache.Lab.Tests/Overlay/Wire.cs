using System.Net;
using System.Net.Sockets;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Tests.Overlay;

/// <summary>Small conversations between members of a lab.</summary>
internal static class Wire
{
    /// <summary>Long for a packet inside one machine; only a packet that never comes takes it.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Short, for packets that must not come.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(300);

    public static Socket Udp(LabMember member, IPAddress address, int port = 0) => member.Run(() =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(address, port));
        return socket;
    });

    /// <summary>A raw socket sees whole IP packets, header included.</summary>
    public static Socket Raw(LabMember member, ProtocolType protocol) =>
        member.Run(() =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Raw, protocol) { ReceiveBufferSize = 1 << 20 };
            socket.Bind(new IPEndPoint(IPAddress.Any, 0));
            return socket;
        });

    public static Socket Listener(LabMember member, IPAddress address, int port = 0) => member.Run(() =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, port));
        socket.Listen();
        return socket;
    });

    /// <summary>A TCP connection from inside a member; null when it is not made within the limit.</summary>
    public static async Task<Socket?> ConnectAsync(LabMember member, EndPoint to, TimeSpan limit)
    {
        var socket = member.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
        using var patience = new CancellationTokenSource(limit);
        try
        {
            await socket.ConnectAsync(to, patience.Token);
            return socket;
        }
        catch (OperationCanceledException)
        {
            socket.Dispose();
            return null;
        }
    }

    /// <summary>The next message, or null when none comes within the limit.</summary>
    public static async Task<byte[]?> ReceiveAsync(Socket socket, TimeSpan limit)
    {
        using var patience = new CancellationTokenSource(limit);
        var buffer = new byte[65536];
        try
        {
            var length = await socket.ReceiveAsync(buffer, SocketFlags.None, patience.Token);
            return buffer[..length];
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    public static IPEndPoint EndPoint(Socket socket) => (IPEndPoint)socket.LocalEndPoint!;

    /// <summary>True when a datagram from one pod reaches another and its answer comes back.</summary>
    public static async Task<bool> CanTalkAsync(LabPod from, LabPod to, TimeSpan limit)
    {
        using var server = Udp(to, to.Address);
        using var client = Udp(from, from.Address);
        await client.SendToAsync("ask"u8.ToArray(), EndPoint(server));
        if (await ReceiveAsync(server, limit) is null)
        {
            return false;
        }

        await server.SendToAsync("answer"u8.ToArray(), EndPoint(client));
        return await ReceiveAsync(client, limit) is not null;
    }
}
