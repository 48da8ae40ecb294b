namespace OnCache.Kubernetes.Client;

/// <summary>Objects as they were at one version of the store.</summary>
/// <param name="Items">The objects.</param>
/// <param name="ResourceVersion">The version, from which a watch continues.</param>
public sealed record ResourceList<T>(IReadOnlyList<T> Items, string ResourceVersion);
