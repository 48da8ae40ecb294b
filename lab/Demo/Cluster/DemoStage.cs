using OnCache.Lab.Cluster;

namespace OnCache.Lab.Demo.Cluster;

/// <summary>A cluster of the lab's own with OnCache in it and the pods of the traffic, ready for a policy.</summary>
internal sealed record DemoStage(Kubectl Kubectl, OnCacheInstallation Installation, TrafficPlaces Places, TrafficPods Pods)
{
    /// <exception cref="LabException">Something could not be installed or did not start; says what.</exception>
    public static async Task<DemoStage> SetAsync(
        KubernetesCluster cluster, ClusterDemoOptions options, DemoConsole screen, CancellationToken cancellationToken)
    {
        var kubectl = Kubectl.Of(cluster);
        var installation = new OnCacheInstallation(kubectl, options.Manifests);
        var places = new TrafficPlaces(cluster.Nodes[0].Name, cluster.Nodes[1].Name, cluster.Nodes[1].Address, options.Core);
        var pods = new TrafficPods(kubectl, places);
        screen.Step($"kubectl apply -k {Path.GetRelativePath(options.Root, options.Manifests)}");
        await installation.ApplyAsync(cancellationToken);

        // They start beside OnCache, which finds them there as it would find any pod.
        await pods.ApplyAsync(cancellationToken);
        await installation.WaitAsync(screen, cancellationToken);
        await pods.WaitAsync(screen, cancellationToken);
        return new DemoStage(kubectl, installation, places, pods);
    }
}
