using OnCache.Lab.Cluster.Nodes;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Cluster;

/// <summary>Takes a cluster down from whatever state it is in: whole, half made, already partly gone.</summary>
internal static class ClusterTeardown
{
    /// <summary>Ends the cluster's processes, deletes its namespaces and control groups and removes its folder. Idempotent.</summary>
    public static async Task DownAsync(string name, CancellationToken cancellationToken)
    {
        var names = new ClusterNames(name);

        // What they hold goes with the folder: nothing is worth a graceful end.
        var daemons = new Daemons(names);
        await Task.WhenAll(daemons.ListRunning().Select(daemon => daemons.StopAsync(daemon, TimeSpan.Zero, cancellationToken)));
        await ControlGroups.RemoveAsync(names.Owns, cancellationToken);
        await DeleteNamespacesAsync(names, cancellationToken);
        DeleteFolder(names.Folder);
    }

    /// <summary>Takes down the clusters whose owning process has died.</summary>
    public static async Task ReapAsync(CancellationToken cancellationToken)
    {
        foreach (var name in ClusterState.List())
        {
            if (ClusterState.Read(name) is { Owner: { IsAlive: false } })
            {
                await DownAsync(name, cancellationToken);
            }
        }
    }

    private static async Task DeleteNamespacesAsync(ClusterNames names, CancellationToken cancellationToken)
    {
        var owned = NetworkNamespace.List().Where(names.Owns).ToArray();
        if (owned.Length == 0)
        {
            return;
        }

        var result = await Tool.RunAsync("ip", ["-force", "-batch", "-"], TopologyScript.DeleteNamespaces(owned), cancellationToken);
        if (NetworkNamespace.List().FirstOrDefault(names.Owns) is { } left)
        {
            result.EnsureSuccess();
            throw new LabException($"network namespace {left}: could not be deleted");
        }
    }

    private static void DeleteFolder(string folder)
    {
        // Two processes may clean the same dead cluster away and delete files under each other's hands.
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
