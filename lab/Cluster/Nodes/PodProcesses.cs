using System.Globalization;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Cluster.Nodes;

/// <summary>Finds the processes of pods, which the machine sees among its own: kubelet puts a pod's UID into its control group's name.</summary>
internal static class PodProcesses
{
    /// <summary>Holds a pod's network for as long as the pod lives, whatever its containers do.</summary>
    public const string Sandbox = "pause";

    /// <summary>The first process of a container: what is run inside it later, a probe too, may have the same name.</summary>
    public static ProcessIdentity? Find(Guid pod, string command)
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && Read(folder, "comm").TrimEnd() == command
                && Read(folder, "cgroup").Contains($"pod{pod}/", StringComparison.Ordinal)
                && IsFirst(Read(folder, "status")))
            {
                return ProcessIdentity.Of(pid);
            }
        }

        return null;
    }

    // NSpid: the pid in each namespace of processes, the innermost last.
    private static bool IsFirst(string status) =>
        status.Split('\n').FirstOrDefault(static line => line.StartsWith("NSpid:", StringComparison.Ordinal))?.EndsWith("\t1", StringComparison.Ordinal) == true;

    // Processes come and go while they are looked at.
    private static string Read(string folder, string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, file));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
