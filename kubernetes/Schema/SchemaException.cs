namespace OnCache.Kubernetes.Schema;

/// <summary>A type that no structural schema describes; the message names the type and the property.</summary>
public sealed class SchemaException(string message) : Exception(message);
