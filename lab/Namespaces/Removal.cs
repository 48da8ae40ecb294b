using OnCache.Lab.Topology;

namespace OnCache.Lab.Namespaces;

/// <summary>Removes what a lab or cluster leaves on the machine, whatever part of it is there.</summary>
internal static class Removal
{
    /// <summary>Deletes the network namespaces that <paramref name="owns"/> claims by their names.</summary>
    /// <exception cref="LabException">One is still there.</exception>
    public static async Task DeleteNamespacesAsync(Func<string, bool> owns, CancellationToken cancellationToken)
    {
        var owned = NetworkNamespace.List().Where(owns).ToArray();
        if (owned.Length == 0)
        {
            return;
        }

        var result = await Tool.RunAsync("ip", ["-force", "-batch", "-"], TopologyScript.DeleteNamespaces(owned), cancellationToken);
        if (NetworkNamespace.List().FirstOrDefault(owns) is { } left)
        {
            result.EnsureSuccess();
            throw new LabException($"network namespace {left}: could not be deleted");
        }
    }

    /// <summary>Deletes a folder with all that is in it.</summary>
    public static void DeleteFolder(string folder)
    {
        // Two processes may clean the same dead lab away and delete files under each other's hands.
        const int Attempts = 10;
        for (var attempt = 1; Directory.Exists(folder); attempt++)
        {
            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (IOException) when (attempt < Attempts)
            {
            }
        }
    }
}
