namespace OnCache.Kubernetes.Events;

/// <summary>Whether an event needs attention.</summary>
public enum EventType
{
    /// <summary>As it should be.</summary>
    Normal,

    /// <summary>Something is wrong.</summary>
    Warning,
}
