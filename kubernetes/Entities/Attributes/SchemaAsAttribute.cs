namespace OnCache.Kubernetes.Entities.Attributes;

/// <summary>What a value looks like in JSON when its type alone does not say: one with a converter of its own.</summary>
/// <param name="type">A type with the same JSON, such as <see cref="string"/>.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Enum | AttributeTargets.Property)]
public sealed class SchemaAsAttribute(Type type) : Attribute
{
    /// <summary>The type.</summary>
    public Type Type { get; } = type;
}
