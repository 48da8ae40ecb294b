using OnCache.Lab.Cluster.Nodes;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Cluster;

/// <summary>Everything a cluster makes on the machine and has to take away again.</summary>
public static class ClusterLeftovers
{
    /// <summary>What there is of a cluster; nothing when it has been taken down.</summary>
    public static IReadOnlyList<string> Find(string cluster)
    {
        var names = new ClusterNames(cluster);
        var mounts = File.ReadLines("/proc/self/mounts").Where(line => line.Contains($"{names.Folder}/", StringComparison.Ordinal));
        return
        [
            .. Directory.Exists(names.Folder) ? (string[])[$"folder {names.Folder}"] : [],
            .. NetworkNamespace.List().Where(names.Owns).Select(ns => $"network namespace {ns}"),
            .. ControlGroups.Any(names.Owns) ? (string[])[$"control groups {names.Namespace("*")}"] : [],
            .. mounts.Select(line => $"mount {line.Split(' ')[1]}"),
            .. Processes(names),
        ];
    }

    // By its command line or its control group: what runs in a pod names the cluster by the latter alone.
    private static IEnumerable<string> Processes(ClusterNames names) =>
        from process in Directory.EnumerateDirectories("/proc")
        where int.TryParse(Path.GetFileName(process), out _)
        let command = Read(process, "cmdline")
        where command.Contains($"{names.Folder}/", StringComparison.Ordinal)
            || Read(process, "cgroup").Contains($"/{names.Namespace("n")}", StringComparison.Ordinal)
        select $"process {Path.GetFileName(process)} {command.Replace('\0', ' ').Trim()}";

    private static string Read(string process, string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, file));
        }
        catch (IOException)
        {
            return "";
        }
    }
}
