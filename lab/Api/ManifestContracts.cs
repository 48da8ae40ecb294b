using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using OnCache.Kubernetes.Serialization;
using OnCache.Lab.Api;

[assembly: ManifestJsonContracts]

namespace OnCache.Lab.Api;

/// <summary>How what the lab creates is written.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(PodManifest))]
internal sealed partial class ManifestContracts : JsonSerializerContext;

[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class ManifestJsonContractsAttribute : JsonContractsAttribute
{
    public override IJsonTypeInfoResolver Contracts => ManifestContracts.Default;
}
