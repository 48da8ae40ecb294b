using System.Text.Json.Serialization.Metadata;
using OnCache.Kubernetes.Serialization;
using OnCache.Kubernetes.Tests.Fakes;

[assembly: ReflectedContracts]

namespace OnCache.Kubernetes.Tests.Fakes;

/// <summary>The types of the tests are written as they are found: no program of theirs is trimmed.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class ReflectedContractsAttribute : JsonContractsAttribute
{
    public override IJsonTypeInfoResolver Contracts { get; } = new DefaultJsonTypeInfoResolver();
}
