namespace OnCache.Kubernetes.Entities.Attributes;

/// <summary>A field that must be given; so are those that C# requires.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class RequiredAttribute : Attribute;
