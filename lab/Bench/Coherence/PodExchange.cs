using System.Net;
using System.Net.Sockets;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Bench.Coherence;

/// <summary>A short conversation between two pods, from one thread.</summary>
internal sealed class PodExchange : IDisposable
{
    private readonly Socket client;
    private readonly Socket server;
    private readonly byte[] message = new byte[8];

    public PodExchange(LabPod client, LabPod server)
    {
        this.client = Bound(client);
        this.server = Bound(server);
        Client = (IPEndPoint)this.client.LocalEndPoint!;
        Server = (IPEndPoint)this.server.LocalEndPoint!;
        this.client.Connect(Server);
        this.server.Connect(Client);
    }

    public IPEndPoint Client { get; }

    public IPEndPoint Server { get; }

    /// <summary>Asks and answers once; what is lost is left at that.</summary>
    public void Once()
    {
        client.Send(message);
        if (server.Poll(TimeSpan.FromMilliseconds(200), SelectMode.SelectRead))
        {
            server.Receive(message);
            server.Send(message);
            if (client.Poll(TimeSpan.FromMilliseconds(200), SelectMode.SelectRead))
            {
                client.Receive(message);
            }
        }
    }

    public void Dispose()
    {
        client.Dispose();
        server.Dispose();
    }

    private static Socket Bound(LabPod pod) => pod.Run(() =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(pod.Address, 0));
        return socket;
    });
}
