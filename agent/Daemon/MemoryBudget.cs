using System.Globalization;
using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;

namespace OnCache.Agent.Daemon;

/// <summary>
/// How much memory the kernel may still charge to this process. Asked before maps are made: where they do not fit, trying could have the kernel end
/// the agent rather than refuse them.
/// </summary>
/// <param name="Available">Bytes.</param>
/// <param name="Source">What sets the bound, in words.</param>
internal sealed record MemoryBudget(long Available, string Source)
{
    /// <summary>What the agent itself may come to need meanwhile, for the verifier above all.</summary>
    private const long Reserve = 32 << 20;

    private const int OutOfMemory = 12;

    // What an unlimited group of the first version shows is a number of pages near the largest integer.
    private const long Unlimited = 1L << 60;

    /// <summary>The tightest of all control groups that this process is in, and of the machine.</summary>
    /// <param name="proc">Where procfs is.</param>
    /// <param name="cgroups">Where the control groups are.</param>
    public static MemoryBudget Read(string proc = "/proc", string cgroups = "/sys/fs/cgroup") =>
        Groups(proc, cgroups).Append(Machine(proc)).OfType<MemoryBudget>().MinBy(static one => one.Available)
            ?? new MemoryBudget(long.MaxValue, "nothing");

    /// <summary>Bytes that caches beside those in force may take.</summary>
    public long ForCaches => Math.Max(0, Available - Reserve);

    /// <summary>Whether caches fit.</summary>
    /// <exception cref="BpfException">They do not (ENOMEM).</exception>
    public void Require(DatapathSizes sizes)
    {
        var need = sizes.Bytes + Reserve;
        if (need > Available)
        {
            throw new BpfException(
                "make the caches",
                OutOfMemory,
                string.Create(CultureInfo.InvariantCulture, $"{Source} leaves {Math.Max(Available, 0) / 1e6:0.0} MB, {need / 1e6:0.0} MB are needed, of which {Reserve / 1e6:0.0} MB are a reserve"));
        }
    }

    private static IEnumerable<MemoryBudget?> Groups(string proc, string cgroups)
    {
        foreach (var line in Lines(Path.Combine(proc, "self/cgroup")))
        {
            if (line.Split(':', 3) is not [_, var controllers, var path])
            {
                continue;
            }

            var isUnified = controllers.Length == 0;
            if (!isUnified && !controllers.Split(',').Contains("memory", StringComparer.Ordinal))
            {
                continue;
            }

            var root = isUnified ? cgroups : Path.Combine(cgroups, "memory");
            // A container may see the path of the host and its own group at the root.
            for (var group = path.Trim('/'); ; group = Path.GetDirectoryName(group) ?? "")
            {
                var folder = Path.Combine(root, group);
                yield return isUnified
                    ? Of(folder, "memory.max", "memory.current", "inactive_file")
                    : Of(folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file");
                if (group.Length == 0)
                {
                    break;
                }
            }
        }
    }

    private static MemoryBudget? Of(string folder, string limit, string usage, string reclaimable)
    {
        if (Number(Path.Combine(folder, limit)) is not { } most || most >= Unlimited || Number(Path.Combine(folder, usage)) is not { } used)
        {
            return null;
        }

        var free = Lines(Path.Combine(folder, "memory.stat")).Select(static line => line.Split(' '))
            .Where(parts => parts is [var name, _] && name == reclaimable)
            .Select(static parts => long.Parse(parts[1], CultureInfo.InvariantCulture))
            .FirstOrDefault();
        return new MemoryBudget(most - used + free, string.Create(CultureInfo.InvariantCulture, $"the memory limit of {most / 1e6:0.0} MB"));
    }

    private static MemoryBudget? Machine(string proc)
    {
        const string Label = "MemAvailable:";
        return Lines(Path.Combine(proc, "meminfo")).Where(static line => line.StartsWith(Label, StringComparison.Ordinal))
            .Select(static line => new MemoryBudget(long.Parse(line.AsSpan(Label.Length).Trim().TrimEnd("kB").Trim(), CultureInfo.InvariantCulture) * 1024, "the machine's memory"))
            .FirstOrDefault();
    }

    private static long? Number(string file) =>
        Lines(file) is [var line, ..] && long.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string[] Lines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception absent) when (absent is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
