using System.Globalization;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Cluster.Nodes;

/// <summary>Finds the processes of pods, which the machine sees among its own: kubelet puts a pod's UID into its control group's name.</summary>
internal static class PodProcesses
{
    /// <summary>Holds a pod's network for as long as the pod lives, whatever its containers do.</summary>
    public const string Sandbox = "pause";

    public static ProcessIdentity? Find(Guid pod, string command)
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && Read(folder, "comm").TrimEnd() == command
                && Read(folder, "cgroup").Contains($"pod{pod}/", StringComparison.Ordinal))
            {
                return ProcessIdentity.Of(pid);
            }
        }

        return null;
    }

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
