using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using OnCache.Kubernetes.Serialization;
using OnCache.Kubernetes.Tests.Fakes;

[assembly: TestContracts]

namespace OnCache.Kubernetes.Tests.Fakes;

/// <summary>The types of the tests are written as they are found, since no program of theirs is trimmed; but for those that are about generated contracts.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class TestContractsAttribute : JsonContractsAttribute
{
    /// <summary>The contracts in use, and for types of other assemblies that have none (lists of them, enumerations that no kind holds) what is found.</summary>
    public static IJsonTypeInfoResolver WithReflection { get; } = JsonTypeInfoResolver.Combine(KubernetesJson.Options.TypeInfoResolver, new DefaultJsonTypeInfoResolver());

    public override IJsonTypeInfoResolver Contracts { get; } = JsonTypeInfoResolver.Combine(GeneratedTestContracts.Default, new DefaultJsonTypeInfoResolver());
}

[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(HalfParameters))]
internal sealed partial class GeneratedTestContracts : JsonSerializerContext;

/// <summary>A type that no contract can be generated for: <see cref="Place"/> would be null where the JSON lacks it.</summary>
internal sealed record HalfParameters(string Name)
{
    public string Place { get; init; } = "here";
}

/// <summary>An enumeration that would be written as a number.</summary>
internal enum Nameless
{
    None,
}
