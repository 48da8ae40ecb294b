namespace OnCache.Kubernetes.Entities.Attributes;

/// <summary>Says which kind a type is.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class KubernetesEntityAttribute : Attribute
{
    /// <summary>The API group; empty for the core group.</summary>
    public string Group { get; set; } = string.Empty;

    /// <summary>The version, without the group. Default <c>v1</c>.</summary>
    public string ApiVersion { get; set; } = string.Empty;

    /// <summary>The kind. Default: the type's name.</summary>
    public string Kind { get; set; } = string.Empty;

    /// <summary>The plural, as used in paths. Default: the kind in lower case with an English plural.</summary>
    public string? PluralName { get; set; }
}
