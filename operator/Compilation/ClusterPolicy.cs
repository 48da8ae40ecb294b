using OnCache.Api;

namespace OnCache.Operator.Compilation;

/// <summary>A policy as the compiler sees it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Generation">Counts changes of its spec.</param>
/// <param name="CreatedAt">When it was stored first.</param>
/// <param name="Spec">What it asks for.</param>
internal sealed record ClusterPolicy(string Name, long Generation, DateTimeOffset CreatedAt, OverlayCachePolicySpec Spec);

/// <summary>Who decides where policies select the same pod: the higher priority, then the older, then the name.</summary>
internal sealed class Precedence : IComparer<ClusterPolicy>
{
    public static Precedence Order { get; } = new();

    public int Compare(ClusterPolicy? x, ClusterPolicy? y)
    {
        if (x is null || y is null)
        {
            return (x is null ? 1 : 0) - (y is null ? 1 : 0);
        }

        var byPriority = y.Spec.Priority.CompareTo(x.Spec.Priority);
        if (byPriority != 0)
        {
            return byPriority;
        }

        var byAge = x.CreatedAt.CompareTo(y.CreatedAt);
        return byAge != 0 ? byAge : string.CompareOrdinal(x.Name, y.Name);
    }
}
