using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using OnCache.Api;
using OnCache.Kubernetes.Serialization;

[assembly: ApiJsonContracts]

namespace OnCache.Api;

/// <summary>How our own kinds are written.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(V1Alpha1NodeCacheConfig))]
[JsonSerializable(typeof(V1Alpha1OverlayCachePolicy))]
internal sealed partial class ApiContracts : JsonSerializerContext;

[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class ApiJsonContractsAttribute : JsonContractsAttribute
{
    public override IJsonTypeInfoResolver Contracts => ApiContracts.Default;
}
