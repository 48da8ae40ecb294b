using OnCache.Lab.Cluster.Nodes;
using OnCache.Lab.Namespaces;

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
        await Removal.DeleteNamespacesAsync(names.Owns, cancellationToken);
        Removal.DeleteFolder(names.Folder);
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
}
