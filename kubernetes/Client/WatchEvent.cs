namespace OnCache.Kubernetes.Client;

/// <summary>What a watch reports.</summary>
public enum WatchEventType
{
    /// <summary>The object is new, or now matches the selectors.</summary>
    Added,

    /// <summary>The object changed.</summary>
    Modified,

    /// <summary>The object is gone, or no longer matches the selectors.</summary>
    Deleted,

    /// <summary>Nothing happened up to the version the object carries.</summary>
    Bookmark,
}

/// <summary>One message of a watch.</summary>
/// <param name="Type">What happened.</param>
/// <param name="Entity">The object; of a bookmark only the resource version has a meaning.</param>
public sealed record WatchEvent<T>(WatchEventType Type, T Entity);
