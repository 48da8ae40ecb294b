using System.Globalization;
using OnCache.Lab.Bench.Suites;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Bench.Applications;

/// <summary>memcached with nine gets to a set of 100 bytes, loaded by memaslap, which tells no percentiles.</summary>
internal sealed class MemcachedApplication : IApplication
{
    // Debian's name of memaslap.
    private const string Load = "memcaslap";

    public IReadOnlyList<(string Program, string Package)> Programs { get; } = [("memcached", "memcached"), (Load, "libmemcached-tools")];

    public int Port => 11211;

    public Task<LabProcess> StartAsync(ApplicationPlace place, CancellationToken cancellationToken) =>
        Task.FromResult(place.StartProcess("memcached", "-u", "root", "-l", place.Address.ToString(), "-p", Text(Port), "-U", "0", "-t", "1", "-m", "64"));

    public Task PrepareAsync(LabMember client, ApplicationPlace place, CancellationToken cancellationToken) => Task.CompletedTask;

    public IReadOnlyList<string> LoadCommand(Workload workload, ApplicationPlace place, int seconds) =>
        [Load, "-s", $"{place.Address}:{Text(Port)}", "-T", "1", "-c", Text(workload.Flows), "-t", Text(seconds) + "s", "-X", Text(workload.Bytes)];

    public ApplicationLoad Parse(string output, ApplicationPlace place) => new(
        (long)Patterns.Number(Load, output, @"Ops: (\d+)"), Patterns.Number(Load, output, @"TPS: (\d+)"), P50Microseconds: null, P99Microseconds: null);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
