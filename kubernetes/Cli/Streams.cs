namespace OnCache.Kubernetes.Cli;

/// <summary>Where a verb writes.</summary>
/// <param name="Program">The name that every problem is prefixed with.</param>
/// <param name="Output">Results.</param>
/// <param name="Error">Problems, one per line.</param>
public sealed record Streams(string Program, TextWriter Output, TextWriter Error)
{
    /// <summary>Writes one problem as one line.</summary>
    public void Problem(string problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        Error.WriteLine($"{Program}: {problem.ReplaceLineEndings(" ").TrimEnd()}");
    }
}
