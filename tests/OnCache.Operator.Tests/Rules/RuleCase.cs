using System.Text.Json.Nodes;

namespace OnCache.Operator.Tests.Rules;

/// <summary>One rule with two objects that differ in nothing else: it accepts one and refuses the other.</summary>
/// <param name="Name">The kind, the field and the rule.</param>
/// <param name="Accepted">The object that keeps to the rule.</param>
/// <param name="Refused">The object that breaks it.</param>
/// <param name="Field">The field that a refusal names.</param>
/// <param name="Words">What a refusal says: a regular expression, as API servers differ in their words.</param>
internal sealed record RuleCase(string Name, JsonObject Accepted, JsonObject Refused, string Field, string Words)
{
    public bool IsPolicy => string.Equals((string?)Accepted["kind"], "OverlayCachePolicy", StringComparison.Ordinal);
}
