using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Api;

/// <summary>
/// The API server's own loopback address and port inside a node's network namespace, so that one kubeconfig serves there too; and the
/// place where that node's connection to the API can be cut.
/// </summary>
public sealed class ApiGate : IAsyncDisposable
{
    private readonly Socket listener;
    private readonly IPEndPoint server;
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentDictionary<Socket, Socket> connections = new();
    private readonly Task accepting;
    private volatile bool isCut;

    private ApiGate(Socket listener, IPEndPoint server)
    {
        this.listener = listener;
        this.server = server;
        accepting = AcceptAsync();
    }

    /// <summary>True while nothing passes.</summary>
    public bool IsCut => isCut;

    /// <param name="node">Inside whom it listens.</param>
    /// <param name="server">The API server, reached from the namespace that this process began in.</param>
    public static ApiGate Open(INetworkMember node, Uri server)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(server);
        var address = IPEndPoint.Parse($"{server.Host}:{server.Port}");
        return new ApiGate(
            node.Run(() =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(address);
                socket.Listen(64);
                return socket;
            }),
            address);
    }

    /// <summary>Ends every connection and lets none begin.</summary>
    public void Cut()
    {
        isCut = true;
        foreach (var (client, upstream) in connections)
        {
            client.Close(0);
            upstream.Close(0);
        }
    }

    /// <summary>Lets connections begin again.</summary>
    public void Restore() => isCut = false;

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        Cut();
        listener.Dispose();
        await accepting;
        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var running = new List<Task>();
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var client = await listener.AcceptAsync(stop.Token);
                running.RemoveAll(static task => task.IsCompleted);
                running.Add(CarryAsync(client));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
            }
        }

        await Task.WhenAll(running);
    }

    private async Task CarryAsync(Socket client)
    {
        using var near = client;
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        near.NoDelay = true;
        connections[near] = far;
        try
        {
            if (isCut)
            {
                near.Close(0);
                return;
            }

            await far.ConnectAsync(server, stop.Token);
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
            var (out_, back) = (PumpAsync(near, far, ending.Token), PumpAsync(far, near, ending.Token));
            await Task.WhenAny(out_, back);
            await ending.CancelAsync();
            await Task.WhenAll(out_, back);
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
        finally
        {
            connections.TryRemove(near, out _);
        }
    }

    private static async Task PumpAsync(Socket from, Socket to, CancellationToken cancellationToken)
    {
        var buffer = new byte[16384];
        try
        {
            while (await from.ReceiveAsync(buffer, cancellationToken) is > 0 and var length)
            {
                for (var sent = 0; sent < length;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, length - sent), cancellationToken);
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The other direction ends with this one.
        }
    }
}
