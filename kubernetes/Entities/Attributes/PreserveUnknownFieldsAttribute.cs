namespace OnCache.Kubernetes.Entities.Attributes;

/// <summary>A field whose content the schema does not know and the server keeps.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PreserveUnknownFieldsAttribute : Attribute;
