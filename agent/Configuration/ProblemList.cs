using OnCache.Api;

namespace OnCache.Agent.Configuration;

/// <summary>Collects the problems of one file.</summary>
internal sealed class ProblemList(string file)
{
    private readonly List<ConfigurationProblem> _problems = [];

    /// <summary>The problems so far, in the order of their lines.</summary>
    public IReadOnlyList<ConfigurationProblem> InOrder => [.. _problems.OrderBy(problem => problem.Line)];

    /// <summary>How many there are.</summary>
    public int Count => _problems.Count;

    public void Add(int line, string field, string message) => _problems.Add(new(file, line, field, message));

    /// <summary>Adds the problems that rules found in a document, but for fields of which <paramref name="read"/> already tells that they could not be read.</summary>
    public void Add(IEnumerable<FieldProblem> found, FieldLines lines, IReadOnlyList<ConfigurationProblem> read)
    {
        foreach (var problem in found.Where(problem => !read.Any(earlier => Concerns(earlier.Field, problem.Field))))
        {
            Add(lines.LineOf(problem.Field), problem.Field, problem.Message);
        }
    }

    /// <summary>The problems added since there were <paramref name="count"/>.</summary>
    public IReadOnlyList<ConfigurationProblem> Since(int count) => _problems[count..];

    // The field itself, one within it or one around it: a value that stands in for one that could not be read must not be judged.
    private static bool Concerns(string unreadable, string judged) => IsAtOrWithin(unreadable, judged) || IsAtOrWithin(judged, unreadable);

    private static bool IsAtOrWithin(string field, string around) =>
        field.StartsWith(around, StringComparison.Ordinal)
        && (field.Length == around.Length || field[around.Length] is '.' or '[');
}
