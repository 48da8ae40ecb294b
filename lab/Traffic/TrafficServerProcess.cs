using System.Globalization;
using System.Net;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Traffic;

/// <summary>A <see cref="TrafficServer"/> in a process of its own inside a node or pod, for as many runs as wanted.</summary>
public sealed class TrafficServerProcess : IAsyncDisposable
{
    private const string Ready = "listening on ";
    private readonly LabProcess process;

    private TrafficServerProcess(LabProcess process, IPAddress address, int port)
    {
        this.process = process;
        Address = address;
        Port = port;
    }

    public IPAddress Address { get; }

    /// <summary>The control port, a free one.</summary>
    public int Port { get; }

    public static async Task<TrafficServerProcess> StartAsync(LabMember member, IPAddress address, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(member);
        var program = Path.Combine(AppContext.BaseDirectory, "oncache-lab");
        var server = member.StartProcess(program, "traffic", "server", "--bind", address.ToString(), "--port", "0");
        try
        {
            await server.WaitForOutputAsync(Ready, Liveness.Limit, cancellationToken);
            var line = server.Output.Split('\n').First(text => text.StartsWith(Ready, StringComparison.Ordinal));
            var port = int.Parse(line[(line.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture);
            return new TrafficServerProcess(server, address, port);
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => process.DisposeAsync();
}
