namespace OnCache.Kubernetes.Watching;

/// <summary>What happened to an object, as a cache saw it.</summary>
public enum ChangeKind
{
    /// <summary>It is new to the cache.</summary>
    Added,

    /// <summary>It changed.</summary>
    Modified,

    /// <summary>It is gone, perhaps noticed late.</summary>
    Deleted,
}

/// <summary>A change of a cache.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Entity">The object as it is now, or as it was last.</param>
/// <param name="Previous">The object before; <see langword="null"/> when it is new.</param>
public sealed record ResourceChange<T>(ChangeKind Kind, T Entity, T? Previous)
    where T : class;
