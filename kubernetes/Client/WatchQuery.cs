namespace OnCache.Kubernetes.Client;

/// <summary>One watch connection.</summary>
/// <param name="Selection">Which objects.</param>
/// <param name="ResourceVersion">The version after which changes are wanted.</param>
/// <param name="Duration">After this time the server ends the watch; it must be at least a second.</param>
public sealed record WatchQuery(ListQuery Selection, string ResourceVersion, TimeSpan Duration);
