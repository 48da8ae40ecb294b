namespace OnCache.Lab.Cluster.Nodes;

/// <summary>A node's control group in every hierarchy: version 1 has one for each controller, version 2 one for all.</summary>
internal static class ControlGroups
{
    private const string Root = "/sys/fs/cgroup";
    private static readonly string[] Controllers = ["cpuset", "cpu", "io", "memory", "hugetlb", "pids"];

    public static void Create(string name)
    {
        if (IsUnified)
        {
            Delegate();
        }

        foreach (var hierarchy in Hierarchies())
        {
            var group = Path.Combine(hierarchy, name);
            Directory.CreateDirectory(group);

            // An empty set of processors or memory admits no process; version 2 inherits, version 1 does not.
            foreach (var set in (string[])["cpuset.cpus", "cpuset.mems"])
            {
                var own = Path.Combine(group, set);
                if (!IsUnified && File.Exists(own))
                {
                    File.WriteAllText(own, File.ReadAllText(Path.Combine(hierarchy, set)));
                }
            }
        }
    }

    /// <summary>Removes the groups that <paramref name="owns"/> accepts, with all that were made inside. Their processes have to be gone.</summary>
    public static async Task RemoveAsync(Func<string, bool> owns, CancellationToken cancellationToken)
    {
        foreach (var group in Hierarchies().SelectMany(Directory.EnumerateDirectories).Where(path => owns(Path.GetFileName(path))))
        {
            await RemoveTreeAsync(group, cancellationToken);
        }
    }

    public static bool Any(Func<string, bool> owns) =>
        Hierarchies().SelectMany(Directory.EnumerateDirectories).Any(path => owns(Path.GetFileName(path)));

    private static bool IsUnified => File.Exists(Path.Combine(Root, "cgroup.controllers"));

    private static IEnumerable<string> Hierarchies() =>
        IsUnified ? [Root] : Directory.EnumerateDirectories(Root).Where(path => File.Exists(Path.Combine(path, "cgroup.procs")));

    // kubelet needs the controllers in its own group, and only a parent can give them.
    private static void Delegate()
    {
        var present = File.ReadAllText(Path.Combine(Root, "cgroup.controllers")).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var control = Path.Combine(Root, "cgroup.subtree_control");
        var given = File.ReadAllText(control).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var missing = Controllers.Intersect(present, StringComparer.Ordinal).Except(given, StringComparer.Ordinal).ToArray();
        if (missing.Length == 0)
        {
            return;
        }

        try
        {
            File.WriteAllText(control, string.Join(' ', missing.Select(controller => $"+{controller}")));
        }
        catch (IOException exception)
        {
            throw new LabException($"{control}: cannot enable {string.Join(' ', missing)}: {exception.Message}", exception);
        }
    }

    private static async Task RemoveTreeAsync(string group, CancellationToken cancellationToken)
    {
        // A group stays busy for a moment after its last process has ended.
        const int Attempts = 100;
        for (var attempt = 1; Directory.Exists(group); attempt++)
        {
            try
            {
                foreach (var child in Directory.EnumerateDirectories(group))
                {
                    await RemoveTreeAsync(child, cancellationToken);
                }

                // Not Directory.Delete with its contents: a group's files cannot be deleted and go with it.
                Directory.Delete(group);
            }
            catch (DirectoryNotFoundException)
            {
                // Somebody else cleans the same away.
            }
            catch (IOException exception)
            {
                if (attempt == Attempts)
                {
                    throw new LabException($"control group {group}: cannot be removed: {exception.Message}", exception);
                }

                await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
            }
        }
    }
}
