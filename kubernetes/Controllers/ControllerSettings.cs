using OnCache.Kubernetes.Resilience;
using OnCache.Kubernetes.Watching;

namespace OnCache.Kubernetes.Controllers;

/// <summary>How a controller is run.</summary>
public sealed record ControllerSettings<TEntity>
    where TEntity : class
{
    /// <summary>Objects handled at the same time.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Which changes are worth a reconciliation; deletions always are.</summary>
    public Func<ResourceChange<TEntity>, bool> Filter { get; init; } = static _ => true;

    /// <summary>The waits of an object that fails again and again.</summary>
    public Backoff Backoff { get; init; } = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromMinutes(1));
}
