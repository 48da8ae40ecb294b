using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using OnCache.Lab.Bench.Results;
using OnCache.Lab.Bench.Running;
using OnCache.Lab.Bench.Suites;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Bench.Applications;

/// <summary>The servers of a stage, each started when it is first loaded, and their loads. Disposing ends them and removes their files.</summary>
internal sealed class ApplicationServers : IAsyncDisposable
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);
    private static readonly Dictionary<WorkloadKind, IApplication> Applications = new()
    {
        [WorkloadKind.Http] = new NginxApplication(),
        [WorkloadKind.Memcached] = new MemcachedApplication(),
        [WorkloadKind.Postgres] = new PostgresApplication(),
    };

    private readonly Dictionary<(string Variant, WorkloadKind Kind), (LabProcess Process, ApplicationPlace Place)> servers = [];
    private readonly string folder = Directory.CreateTempSubdirectory("oncache-bench-").FullName;

    public ApplicationServers() =>

        // PostgreSQL's user has to get at its own folder in here.
        File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);

    public static bool Has(WorkloadKind kind) => Applications.ContainsKey(kind);

    /// <summary>Why a workload cannot run on this machine; null when it can.</summary>
    public static string? Lack(WorkloadKind kind) =>
        Applications.TryGetValue(kind, out var application) && application.Programs.FirstOrDefault(program => !IsThere(program.Program)) is { Program: { } missing, Package: var package }
            ? $"{missing} is not installed (Debian package {package})"
            : null;

    /// <exception cref="LabException">The server did not start, or the load failed.</exception>
    public async Task<SliceResult> MeasureAsync(BenchPath path, Workload workload, double seconds, int core, CancellationToken cancellationToken)
    {
        var application = Applications[workload.Kind];
        var place = await StartedAsync(path, workload.Kind, core, cancellationToken);

        // The tools know whole seconds only.
        var command = place.Pinned([.. application.LoadCommand(workload, place, (int)Math.Ceiling(seconds))]);
        var retransmissions = TrafficMeter.Retransmissions(path);
        var (started, idle) = (Stopwatch.GetTimestamp(), CoreUse.IdleNanoseconds(core));
        var result = await path.Client.RunCommandAsync("taskset", command, cancellationToken);
        var busy = Stopwatch.GetElapsedTime(started).TotalNanoseconds - (CoreUse.IdleNanoseconds(core) - idle);
        var load = application.Parse(result.EnsureSuccess().Output, place);
        if (load.Operations == 0)
        {
            throw new LabException($"{command[2]}: no operation was done");
        }

        var figures = new Dictionary<Figure, double>
        {
            [Figure.Rate] = load.Rate,
            [Figure.Cpu] = Math.Max(0, busy) / 1000 / load.Operations,
            [Figure.Retransmitted] = (TrafficMeter.Retransmissions(path) - retransmissions) * 1e6 / load.Operations,
        };
        if (load.P50Microseconds is { } p50 && load.P99Microseconds is { } p99)
        {
            figures[Figure.P50] = p50;
            figures[Figure.P99] = p99;
        }

        return new SliceResult(load.Operations, load.Operations, figures);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (process, _) in servers.Values)
        {
            await process.DisposeAsync();
        }

        Directory.Delete(folder, recursive: true);
    }

    private static bool IsThere(string program) =>
        Path.IsPathRooted(program)
            ? File.Exists(program)
            : $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/usr/bin".Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));

    private async Task<ApplicationPlace> StartedAsync(BenchPath path, WorkloadKind kind, int core, CancellationToken cancellationToken)
    {
        if (servers.TryGetValue((path.Variant.Name, kind), out var running))
        {
            return running.Place;
        }

        var application = Applications[kind];
        var place = new ApplicationPlace(path.Server, path.Address, Path.Combine(folder, $"{path.Variant.Name}-{kind}"), core);
        Directory.CreateDirectory(place.Folder);
        var process = await application.StartAsync(place, cancellationToken);
        try
        {
            await WaitAsync(path, new IPEndPoint(path.Address, application.Port), process, cancellationToken);
            await application.PrepareAsync(path.Client, place, cancellationToken);
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }

        servers.Add((path.Variant.Name, kind), (process, place));
        return place;
    }

    private static async Task WaitAsync(BenchPath path, IPEndPoint address, LabProcess process, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await ConnectsAsync(path, address, cancellationToken))
        {
            if (process.HasExited)
            {
                var words = (await process.WaitAsync(cancellationToken)).Error.Trim().Split('\n')[^1];
                throw new LabException($"the server for {address} ended: {words}");
            }

            if (Stopwatch.GetElapsedTime(started) > Liveness.Limit)
            {
                throw new LabException($"the server did not listen on {address} within {Liveness.Limit.TotalSeconds} s");
            }

            await Task.Delay(Poll, cancellationToken);
        }
    }

    private static async Task<bool> ConnectsAsync(BenchPath path, IPEndPoint address, CancellationToken cancellationToken)
    {
        using var socket = path.Client.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        try
        {
            await socket.ConnectAsync(address, cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
