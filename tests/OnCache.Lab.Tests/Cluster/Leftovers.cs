using OnCache.Lab.Cluster;
using OnCache.Lab.Cluster.Nodes;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Tests.Cluster;

/// <summary>Everything a cluster makes on the machine.</summary>
internal static class Leftovers
{
    public static void ShouldBeNone(string cluster)
    {
        var names = new ClusterNames(cluster);
        Directory.Exists(names.Folder).ShouldBeFalse();
        ClusterState.List().ShouldNotContain(cluster);
        NetworkNamespace.List().ShouldNotContain(ns => names.Owns(ns));
        ControlGroups.Any(names.Owns).ShouldBeFalse();
        File.ReadAllText("/proc/self/mounts").ShouldNotContain(names.Folder);
        Processes(names).ShouldBeEmpty();
    }

    // By its command line or its control group: what runs in a pod names the cluster by the latter alone.
    private static IEnumerable<string> Processes(ClusterNames names) =>
        from process in Directory.EnumerateDirectories("/proc")
        where int.TryParse(Path.GetFileName(process), out _)
        let text = Read(process, "cmdline") + Read(process, "cgroup")
        where text.Contains(names.Folder + "/", StringComparison.Ordinal) || text.Contains($"/{names.Namespace("n")}", StringComparison.Ordinal)
        select text;

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
