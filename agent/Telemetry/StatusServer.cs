using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace OnCache.Agent.Telemetry;

/// <summary>Serves the agent's status on a Unix socket. Kestrel by itself, without a host: no services, no configuration, no pipeline to start.</summary>
internal sealed class StatusServer : IAsyncDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private readonly KestrelServer _server;

    private StatusServer(KestrelServer server) => _server = server;

    /// <summary>Binds the socket and begins to answer.</summary>
    /// <param name="path">The socket; its folder is created for the owner alone.</param>
    /// <param name="health">Where health alone is told over TCP too; null for nowhere.</param>
    /// <param name="status">Answers GET.</param>
    /// <param name="flush">Answers POST /flush.</param>
    /// <param name="metrics">Answers GET /metrics, in Prometheus' text format.</param>
    /// <param name="cancellationToken">Gives up binding.</param>
    /// <exception cref="SocketUnavailableException">The path is taken.</exception>
    /// <exception cref="IOException">The address for health is taken, or not this node's.</exception>
    public static async Task<StatusServer> StartAsync(
        string path,
        IPEndPoint? health,
        IStatusSource status,
        IFlushTarget flush,
        Func<string> metrics,
        CancellationToken cancellationToken)
    {
        SocketFile.Prepare(path);
        var options = new KestrelServerOptions { ApplicationServices = NoServices.Instance, AddServerHeader = false };
        options.Limits.MaxRequestBodySize = 64 * 1024;
        options.ListenUnixSocket(path, listen => listen.Protocols = HttpProtocols.Http1);
        if (health is not null)
        {
            options.Listen(health, listen => listen.Protocols = HttpProtocols.Http1);
        }

        var server = new KestrelServer(
            Options.Create(options),
            new SocketTransportFactory(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance),
            NullLoggerFactory.Instance);
        try
        {
            await server.StartAsync(new StatusApplication(status, flush, metrics), cancellationToken);
            SocketFile.Restrict(path);
        }
        catch
        {
            server.Dispose();
            throw;
        }

        return new StatusServer(server);
    }

    /// <summary>Stops answering and removes the socket.</summary>
    public async ValueTask DisposeAsync()
    {
        using var grace = new CancellationTokenSource(Grace);
        await _server.StopAsync(grace.Token);
        _server.Dispose();
    }

    private sealed class NoServices : IServiceProvider
    {
        public static NoServices Instance { get; } = new();

        public object? GetService(Type serviceType) => null;
    }
}
