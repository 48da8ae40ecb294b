using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.Tests.Fakes;

/// <summary>Small objects.</summary>
internal static class Samples
{
    public static V1ConfigMap Map(string name, string version = "1", string? uid = null, string home = "default") => new()
    {
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = home, Uid = uid ?? $"uid-{name}", ResourceVersion = version },
    };
}
