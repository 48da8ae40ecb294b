using OnCache.Lab.Cluster.Nodes;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Cluster;

/// <summary>Takes a cluster down from whatever state it is in: whole, half made, already partly gone.</summary>
internal static class ClusterTeardown
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    /// <summary>Ends the cluster's processes, deletes its namespaces and control groups and removes its folder. Idempotent.</summary>
    public static async Task DownAsync(string name, CancellationToken cancellationToken)
    {
        var names = new ClusterNames(name);

        // What they hold goes with the folder: nothing is worth a graceful end.
        var daemons = new Daemons(names);
        var running = daemons.ListRunning().ToLookup(ClusterNode.IsParent);
        await Task.WhenAll(running[false].Select(daemon => daemons.StopAsync(daemon, TimeSpan.Zero, cancellationToken)));

        // These wait for their nodes and end with them; sooner, they would leave the nodes' first processes for somebody else to bury.
        await Task.WhenAll(running[true].Select(daemon => daemons.StopAsync(daemon, Grace, cancellationToken)));
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
