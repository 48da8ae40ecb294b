using System.Text.Json;
using OnCache.Api;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Operator.Compilation;

/// <summary>A node's configuration as the text it is stored as: equal texts are equal configurations.</summary>
internal static class SpecText
{
    public static string Of(NodeCacheConfigSpec spec) => JsonSerializer.Serialize(spec, KubernetesJson.Options);
}
