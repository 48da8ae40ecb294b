using OnCache.Kubernetes.Resilience;

namespace OnCache.Kubernetes.Watching;

/// <summary>How a watch is kept alive.</summary>
public sealed record WatchSettings
{
    /// <summary>
    /// The server ends each connection after this time, or up to twice of it: drawn anew so that clients do not reconnect together.
    /// </summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A connection that outlives its time by more than this is taken for hung and replaced.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The waits after failures in a row.</summary>
    public Backoff Backoff { get; init; } = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(30));

    /// <summary>
    /// A kind that the server does not have has no objects: so it is taken once the server has said nothing else for this long. One that
    /// starts may say it of a kind that it has, before it has read all definitions.
    /// </summary>
    public TimeSpan GoneAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Lists are read page by page from the store, and not as one answer from the API server's memory: for kinds of which there are so many
    /// that one answer is too large to hold, and for few readers.
    /// </summary>
    public bool ListsInPages { get; init; }
}
