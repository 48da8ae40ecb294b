namespace OnCache.Kubernetes.Entities.Attributes;

/// <summary>Where objects of a kind live.</summary>
public enum EntityScope
{
    /// <summary>In a namespace.</summary>
    Namespaced,

    /// <summary>Beside all namespaces.</summary>
    Cluster,
}

/// <summary>Says where objects of a kind live; namespaced when absent.</summary>
/// <param name="scope">Where.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class EntityScopeAttribute(EntityScope scope = EntityScope.Namespaced) : Attribute
{
    /// <summary>Where.</summary>
    public EntityScope Scope { get; } = scope;
}
