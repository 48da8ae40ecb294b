using OnCache.Lab.Cluster.Components;

namespace OnCache.Lab.Tests.Cluster;

/// <summary>What the live tests of Kubernetes need of the machine; the components are built when they are not there yet.</summary>
internal static class LiveCluster
{
    /// <summary>Skips the test, saying what is missing, when Kubernetes cannot be run here.</summary>
    public static async Task RequireAsync(ComponentSet set)
    {
        if (await WhyNotAsync(set) is { } reason)
        {
            Assert.Skip(reason);
        }
    }

    /// <summary>What is missing; null when nothing is.</summary>
    public static async Task<string?> WhyNotAsync(ComponentSet set)
    {
        if (!string.Equals(Environment.UserName, "root", StringComparison.Ordinal))
        {
            return "needs root, to make namespaces and mounts";
        }

        try
        {
            await KubernetesComponents.OfThisMachine().EnsureAsync(set, TestContext.Current.CancellationToken);
            return null;
        }
        catch (LabException exception)
        {
            return $"needs Kubernetes' components: {exception.Message}";
        }
    }
}
