namespace OnCache.Lab;

/// <summary>
/// How long something may take that has to come about: many times what it takes, as a machine that is busy is slow. Only what never comes about
/// takes so long, and says so then. How fast something has to be is a bound of its own.
/// </summary>
public static class Liveness
{
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    /// <summary>The same for what kubectl waits for.</summary>
    public static readonly string KubectlTimeout = $"--timeout={Limit.TotalSeconds:F0}s";
}
