namespace OnCache.Kubernetes.Watching;

/// <summary>How a watch connection ended, and so what comes next.</summary>
internal enum WatchEnd
{
    /// <summary>The server closed it, as agreed: go on from the last version.</summary>
    Closed,

    /// <summary>It failed: go on from the last version after a wait.</summary>
    Failed,

    /// <summary>It outlived its time: go on from the last version.</summary>
    Hung,

    /// <summary>The last version is too old: list again.</summary>
    Expired,
}
