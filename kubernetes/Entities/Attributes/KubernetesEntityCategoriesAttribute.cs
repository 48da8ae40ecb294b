namespace OnCache.Kubernetes.Entities.Attributes;

/// <summary>Groups of kinds, such as <c>all</c>, under which a kind is listed.</summary>
/// <param name="categories">The groups.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class KubernetesEntityCategoriesAttribute(params string[] categories) : Attribute
{
    /// <summary>The groups.</summary>
    public IReadOnlyList<string> Categories { get; } = categories;
}
