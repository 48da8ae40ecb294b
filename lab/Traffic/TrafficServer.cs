using System.Net;
using System.Net.Sockets;

namespace OnCache.Lab.Traffic;

/// <summary>Answers any number of clients, one after the other or at once; each session has its own data socket and pinned thread.</summary>
public sealed class TrafficServer : IDisposable
{
    private readonly Socket listener;
    private readonly IPAddress address;

    private TrafficServer(Socket listener, IPEndPoint endPoint)
    {
        this.listener = listener;
        address = endPoint.Address;
        Port = endPoint.Port;
    }

    /// <summary>The control port.</summary>
    public int Port { get; }

    /// <summary>Listens on the calling thread's network namespace; port 0 takes a free one.</summary>
    /// <exception cref="LabException">The address or port cannot be had.</exception>
    public static TrafficServer Listen(IPAddress address, int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen(64);
            return new TrafficServer(socket, (IPEndPoint)socket.LocalEndPoint!);
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            throw new LabException($"traffic server: {address}:{port}: {exception.Message}", exception);
        }
    }

    /// <summary>Serves until the server is disposed. The data sockets are made on threads that stay in the caller's namespace.</summary>
    public void Serve()
    {
        while (true)
        {
            Socket connection;
            try
            {
                connection = listener.Accept();
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                return;
            }

            new Thread(() => ServerSession.Serve(connection, address)) { IsBackground = true, Name = "traffic session" }.Start();
        }
    }

    public void Dispose() => listener.Dispose();
}
