using OnCache.Lab.Cluster;

namespace OnCache.Lab.Tests.Cluster;

internal static class Leftovers
{
    public static void ShouldBeNone(string cluster)
    {
        ClusterLeftovers.Find(cluster).ShouldBeEmpty();
        ClusterState.List().ShouldNotContain(cluster);
    }
}
