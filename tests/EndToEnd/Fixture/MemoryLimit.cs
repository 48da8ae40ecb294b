using System.Globalization;

namespace OnCache.EndToEnd.Fixture;

/// <summary>A control group that limits the memory of its processes, that of the kernel which they ask for included, as a container's does.</summary>
internal sealed class MemoryLimit : IDisposable
{
    private const string Unified = "/sys/fs/cgroup";
    private const string Legacy = "/sys/fs/cgroup/memory";
    private readonly string parent;
    private readonly string folder;

    private MemoryLimit(string parent, string file, long bytes)
    {
        this.parent = parent;
        folder = Path.Combine(parent, $"oncache-{Guid.NewGuid():N}");
        _ = Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, file), bytes.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Where a process of the group writes its number.</summary>
    public string Members => Path.Combine(folder, "cgroup.procs");

    /// <summary>Skips the test where this machine has no control group for memory.</summary>
    public static MemoryLimit Of(long bytes)
    {
        if (File.Exists(Path.Combine(Legacy, "memory.limit_in_bytes")))
        {
            return new MemoryLimit(Legacy, "memory.limit_in_bytes", bytes);
        }

        var controllers = Path.Combine(Unified, "cgroup.controllers");
        Assert.SkipUnless(
            File.Exists(controllers) && File.ReadAllText(controllers).Split(' ', '\n').Contains("memory", StringComparer.Ordinal),
            "needs the memory controller of control groups at /sys/fs/cgroup");
        File.WriteAllText(Path.Combine(Unified, "cgroup.subtree_control"), "+memory");
        return new MemoryLimit(Unified, "memory.max", bytes);
    }

    public void Add(int process) => File.WriteAllText(Members, $"{process}");

    /// <summary>Its processes are limited no more.</summary>
    public void Dispose()
    {
        foreach (var process in File.ReadAllLines(Members))
        {
            try
            {
                File.WriteAllText(Path.Combine(parent, "cgroup.procs"), process);
            }
            catch (IOException)
            {
                // It has ended since.
            }
        }

        Directory.Delete(folder);
    }
}
