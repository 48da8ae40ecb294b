using System.Text.Json.Serialization.Metadata;

namespace OnCache.Kubernetes.Serialization;

/// <summary>Says how the types of an assembly are written as JSON: by contracts that are generated with it, so that nothing has to be found at run time.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
public abstract class JsonContractsAttribute : Attribute
{
    /// <summary>The contracts.</summary>
    public abstract IJsonTypeInfoResolver Contracts { get; }
}
