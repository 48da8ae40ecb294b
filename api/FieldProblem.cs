namespace OnCache.Api;

/// <summary>A field whose value cannot be accepted.</summary>
/// <param name="Field">The path of the field within its object, such as <c>spec.policies[0].name</c>.</param>
/// <param name="Message">The value, what is wrong with it and what would be right.</param>
public readonly record struct FieldProblem(string Field, string Message);
