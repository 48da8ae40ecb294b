using OnCache.Operator.Validation;

namespace OnCache.Operator.Tests.Rules;

/// <summary>Schema and code agree on what is right.</summary>
public sealed class RuleTests
{
    private static readonly Dictionary<string, RuleCase> Cases = SchemaRules.Cases().Concat(ExpressionRules.Cases()).Concat(CodeRules.Cases())
        .ToDictionary(item => item.Name, StringComparer.Ordinal);

    public static TheoryData<string> Names => [.. Cases.Keys];

    // Once read they are bits, of which none is there twice.
    private static readonly string[] OfNoConsequence = ["NodeCacheConfig spec.policies[].protocols maxItems"];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_code_judges_as_the_schema_does(string name)
    {
        CodeRules.Problems(Cases[name].Accepted).ShouldBeEmpty(name);
        if (!OfNoConsequence.Contains(name, StringComparer.Ordinal))
        {
            CodeRules.Problems(Cases[name].Refused).ShouldNotBeEmpty(name);
        }
    }

    [Fact]
    public void Every_rule_of_the_validator_is_tried()
    {
        var tried = Cases.Values.Where(item => item.IsPolicy).SelectMany(item => CodeRules.Problems(item.Refused)).ToArray();

        new OverlayCachePolicyValidator().CreateDescriptor().GetMembersWithValidators().Select(member => member.Key)
            .Where(member => !tried.Any(problem => problem.StartsWith($"spec.{member}", StringComparison.OrdinalIgnoreCase)))
            .ShouldBeEmpty();
    }

    [Theory]
    [InlineData("overlaycachepolicies")]
    [InlineData("nodecacheconfigs")]
    public void Every_field_is_described(string plural) =>
        CrdSchema.Parts(plural)
            .Where(part => !part.Path.IsItem && string.IsNullOrWhiteSpace((string?)part.Schema["description"]))
            .Select(part => part.Path.ToString())
            .ShouldBeEmpty();

    [Fact]
    public void Every_expression_of_the_schema_is_tried() => ExpressionRules.Untried().ShouldBeEmpty();
}
