using OnCache.EndToEnd.Fixture;
using OnCache.Lab;
using OnCache.Lab.Api;
using OnCache.Lab.Cluster.Components;

namespace OnCache.EndToEnd.Api;

/// <summary>Labs with an API server, made of the programs that the build has put beside the tests.</summary>
internal static class ApiLabs
{
    public static string Definitions { get; } = Path.Combine(AppContext.BaseDirectory, "config/crd");

    public static string Operator { get; } = Path.Combine(AppContext.BaseDirectory, "oncache-operator");

    public static ApiLabOptions Options { get; } = new() { Agent = LabAgent.Program, Operator = Operator, Definitions = Definitions };

    /// <summary>Skips the test where there can be none.</summary>
    public static async Task RequireAsync()
    {
        LiveLab.Require();
        try
        {
            await KubernetesComponents.OfThisMachine().EnsureAsync(ComponentSet.Api, TestContext.Current.CancellationToken);
        }
        catch (LabException exception)
        {
            Assert.Skip($"needs Kubernetes' components: {exception.Message}");
        }
    }
}
