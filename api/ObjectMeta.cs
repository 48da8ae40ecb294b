namespace OnCache.Api;

/// <summary>The part of Kubernetes' object metadata that OnCache reads.</summary>
/// <param name="Name">The object's name; for objects that belong to a node, the node's name.</param>
public sealed record ObjectMeta(string Name);
