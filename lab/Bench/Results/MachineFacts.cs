using System.Globalization;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Bench.Results;

/// <summary>What the figures depend on beside the code.</summary>
/// <param name="Load">Load averages over 1, 5 and 15 minutes at the beginning: what else the machine did.</param>
/// <param name="Governor">Of the CPU's frequency; null where the machine has none to choose.</param>
/// <param name="Commit">Of the checkout that the run began in; null outside of one. A plus sign: with changes.</param>
/// <param name="Versions">By program.</param>
/// <param name="Offloads">By device: the features that are on, while offloads are not switched off.</param>
public sealed record MachineFacts(
    string Kernel,
    string Cpu,
    int Cpus,
    double MemoryGib,
    string Load,
    string? Governor,
    string? Commit,
    IReadOnlyDictionary<string, string> Versions,
    IReadOnlyDictionary<string, IReadOnlyList<string>> Offloads)
{
    private static readonly (string Program, string Argument)[] Programs =
        [("ip", "-V"), ("iptables", "-V"), ("nft", "-v"), ("ethtool", "--version"), ("gnuplot", "--version"), ("nginx", "-v"), ("memcached", "-V"), ("pgbench", "-V")];

    /// <summary>The load averages now; to be asked before the run makes a load of its own.</summary>
    public static string LoadNow() => string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ').Take(3));

    /// <param name="load">Of <see cref="LoadNow"/>, when the run began.</param>
    /// <param name="offloads">By device, as the labs have them.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<MachineFacts> ReadAsync(
        string load, IReadOnlyDictionary<string, IReadOnlyList<string>> offloads, CancellationToken cancellationToken)
    {
        var versions = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["dotnet"] = Environment.Version.ToString() };
        foreach (var (program, argument) in Programs)
        {
            if (await LineOfAsync(program, [argument], cancellationToken) is { } line)
            {
                versions[program] = line;
            }
        }

        var cpu = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal));
        return new MachineFacts(
            File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
            cpu?.Split(':', 2)[1].Trim() ?? "unknown",
            Environment.ProcessorCount,
            Math.Round(MemoryKib() / 1024 / 1024, 1),
            load,
            Text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            await CommitAsync(cancellationToken),
            versions,
            offloads);
    }

    /// <summary>The names of the features that <c>ethtool -k</c> says are on and that segment or merge packets, or fill in checksums.</summary>
    internal static IReadOnlyList<string> ParseFeatures(string text) =>
    [
        .. text.Split('\n')
            .Select(line => line.Trim().Split(": ", 2))
            .Where(pair => pair.Length == 2 && pair[1].StartsWith("on", StringComparison.Ordinal))
            .Select(pair => pair[0])
            .Where(name => name.Contains("segmentation", StringComparison.Ordinal)
                || name.Contains("offload", StringComparison.Ordinal)
                || name.EndsWith("checksumming", StringComparison.Ordinal)
                || name.Contains("gro", StringComparison.Ordinal)),
    ];

    private static double MemoryKib() =>
        double.Parse(File.ReadLines("/proc/meminfo").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);

    private static async Task<string?> CommitAsync(CancellationToken cancellationToken)
    {
        if (await LineOfAsync("git", ["rev-parse", "--short=12", "HEAD"], cancellationToken) is not { } commit)
        {
            return null;
        }

        return commit + (await LineOfAsync("git", ["status", "--porcelain", "--untracked-files=no"], cancellationToken) is null ? "" : "+");
    }

    /// <summary>The first line that a program prints; null when there is no such program or it fails.</summary>
    private static async Task<string?> LineOfAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        try
        {
            var result = await Tool.RunAsync(program, arguments, null, cancellationToken);
            var text = result.Output.Trim().Length > 0 ? result.Output : result.Error;
            return result.ExitCode == 0 && text.Trim() is { Length: > 0 } known ? known.Split('\n')[0] : null;
        }
        catch (LabException)
        {
            return null;
        }
    }

    private static string? Text(string path) => File.Exists(path) ? File.ReadAllText(path).Trim() : null;
}
