using OnCache.Lab.Cluster.Components;

namespace OnCache.Lab.Tests.Cluster;

/// <summary>What the live tests of Kubernetes need of the machine; the components are built when they are not there yet.</summary>
internal static class LiveCluster
{
    public static async Task RequireAsync(ComponentSet set)
    {
        Assert.SkipUnless(string.Equals(Environment.UserName, "root", StringComparison.Ordinal), "needs root, to make namespaces and mounts");
        try
        {
            await KubernetesComponents.OfThisMachine().EnsureAsync(set, TestContext.Current.CancellationToken);
        }
        catch (LabException exception)
        {
            Assert.Skip($"needs Kubernetes' components: {exception.Message}");
        }
    }
}
