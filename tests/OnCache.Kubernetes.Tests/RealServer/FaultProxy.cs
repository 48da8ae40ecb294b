using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace OnCache.Kubernetes.Tests.RealServer;

/// <summary>A wire to the server that can be cut, and one that can go silent without a word to either end.</summary>
internal sealed class FaultProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Socket, bool> _sockets = new();
    private readonly CancellationTokenSource _end = new();
    private readonly int _port;
    private readonly Task _accepting;
    private volatile bool _cut;

    public FaultProxy(int port)
    {
        _port = port;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Uri Address => new($"https://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>Connections accepted so far.</summary>
    public int Accepted { get; private set; }

    /// <summary>Resets all connections, and each new one.</summary>
    public void Cut()
    {
        _cut = true;
        foreach (var socket in _sockets.Keys)
        {
            socket.Close(0);
        }
    }

    /// <summary>Stops the bytes of the connections there are; new ones flow.</summary>
    public void Freeze()
    {
        foreach (var socket in _sockets.Keys)
        {
            _sockets[socket] = true;
        }
    }

    public void Restore() => _cut = false;

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        Cut();
        await _accepting;
        _listener.Dispose();
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_end.Token);
                Accepted++;
                _ = RelayAsync(client);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }

    private async Task RelayAsync(Socket client)
    {
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using (client)
        {
            if (_cut)
            {
                client.Close(0);
                return;
            }

            try
            {
                await server.ConnectAsync(new IPEndPoint(IPAddress.Loopback, _port), _end.Token);
                _sockets[client] = _sockets[server] = false;
                await Task.WhenAny(CopyAsync(client, server), CopyAsync(server, client));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // Cut, or the server is not there.
            }
            finally
            {
                _ = _sockets.TryRemove(client, out _);
                _ = _sockets.TryRemove(server, out _);
                client.Close(0);
            }
        }
    }

    private async Task CopyAsync(Socket from, Socket to)
    {
        var buffer = new byte[16 << 10];
        try
        {
            while (await from.ReceiveAsync(buffer, _end.Token) is var length and > 0)
            {
                while (_sockets.GetValueOrDefault(from))
                {
                    await Task.Delay(10, _end.Token);
                }

                _ = await to.SendAsync(buffer.AsMemory(0, length), _end.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // This direction is over.
        }
    }
}
