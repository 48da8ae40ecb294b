namespace OnCache.Kubernetes.Entities.Attributes;

/// <summary>Short names of a kind for the command line.</summary>
/// <param name="shortNames">The names.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class KubernetesEntityShortNamesAttribute(params string[] shortNames) : Attribute
{
    /// <summary>The names.</summary>
    public IReadOnlyList<string> ShortNames { get; } = shortNames;
}
