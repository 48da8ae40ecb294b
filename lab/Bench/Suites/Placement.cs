namespace OnCache.Lab.Bench.Suites;

/// <summary>Where client and server run.</summary>
public enum Placement
{
    /// <summary>Both on one core, which is then busy throughout: rate and CPU time are two views of one cost.</summary>
    SameCore,

    /// <summary>Each on a core of its own: wake-ups between cores count too, and swing.</summary>
    CrossCore,
}
