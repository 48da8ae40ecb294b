namespace OnCache.Operator.Cli;

/// <summary>Where a verb writes.</summary>
/// <param name="Output">Results.</param>
/// <param name="Error">Problems, one per line.</param>
internal sealed record Streams(TextWriter Output, TextWriter Error)
{
    private const string Program = "oncache-operator";

    /// <summary>Writes one problem as one line.</summary>
    public void Problem(string problem) => Error.WriteLine($"{Program}: {problem.ReplaceLineEndings(" ").TrimEnd()}");
}
