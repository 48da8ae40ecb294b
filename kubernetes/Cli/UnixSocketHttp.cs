using System.Net.Sockets;

namespace OnCache.Kubernetes.Cli;

/// <summary>HTTP to a server that listens on a Unix socket.</summary>
public static class UnixSocketHttp
{
    /// <summary>A handler that connects to this socket, whatever the host of a request is.</summary>
    /// <param name="path">The socket's file. It need not exist before a request is sent: that fails then, with a <see cref="SocketException"/> as its cause.</param>
    public static SocketsHttpHandler Handler(string path) => new()
    {
        UseProxy = false,
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    };
}
