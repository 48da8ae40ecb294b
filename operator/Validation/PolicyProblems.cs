using OnCache.Api;

namespace OnCache.Operator.Validation;

/// <summary>What is wrong with a policy: the last of three gates, after the schema and the webhook.</summary>
internal static class PolicyProblems
{
    // A validator is immutable once built, and building one compiles expressions.
    private static readonly OverlayCachePolicyValidator Validator = new();

    /// <summary>All problems, in the order of the fields.</summary>
    public static IEnumerable<FieldProblem> All(OverlayCachePolicySpec spec) =>
        Validator.Validate(spec).Errors.Select(error => new FieldProblem(error.PropertyName, error.ErrorMessage));

    /// <summary>The first problem, when there is one.</summary>
    public static FieldProblem? First(OverlayCachePolicySpec spec) => All(spec).Cast<FieldProblem?>().FirstOrDefault();
}
