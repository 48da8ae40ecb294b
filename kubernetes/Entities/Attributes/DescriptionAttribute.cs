namespace OnCache.Kubernetes.Entities.Attributes;

/// <summary>Describes a field or a kind to users, in place of its XML documentation.</summary>
/// <param name="description">The words.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Enum | AttributeTargets.Property)]
public sealed class DescriptionAttribute(string description) : Attribute
{
    /// <summary>The words.</summary>
    public string Description { get; } = description;
}
