namespace OnCache.Kubernetes.Watching;

/// <summary>What one message of the API server did to a cache.</summary>
/// <param name="Listed">
/// It was a list, the first or one after a gap: what came and went in between, or changed and changed back, is not among the changes.
/// </param>
/// <param name="Changes">The difference to the content before; empty when a list brought nothing new.</param>
public sealed record ResourceUpdate<T>(bool Listed, IReadOnlyList<ResourceChange<T>> Changes)
    where T : class;
