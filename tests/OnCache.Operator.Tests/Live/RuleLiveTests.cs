using System.Text.RegularExpressions;
using OnCache.Operator.Tests.Rules;

namespace OnCache.Operator.Tests.Live;

/// <summary>Every bound of the schema in the hands of a server that drops the rules in CEL.</summary>
[Collection("live")]
public sealed class RuleLiveTests(LiveServer server)
{
    private static readonly Dictionary<string, RuleCase> Cases = SchemaRules.Cases().ToDictionary(item => item.Name, StringComparer.Ordinal);

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_bound_holds(string name)
    {
        await server.RequireAsync();
        await server.Probe.ShouldKeepToAsync(Cases[name]);
    }
}

/// <summary>The rules in CEL, and the bounds beside them, in the hands of a server that knows both.</summary>
[Collection("live")]
public sealed class ExpressionLiveTests(CelServer server)
{
    private static readonly Dictionary<string, RuleCase> Cases =
        SchemaRules.Cases().Concat(ExpressionRules.Cases()).ToDictionary(item => item.Name, StringComparer.Ordinal);

    private static readonly Dictionary<string, RuleCase> Unsaid = CodeRules.Cases().ToDictionary(item => item.Name, StringComparer.Ordinal);

    public static TheoryData<string> Names => [.. Cases.Keys];

    public static TheoryData<string> UnsaidNames => [.. Unsaid.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_rule_holds(string name)
    {
        await server.RequireAsync();
        await server.Probe.ShouldKeepToAsync(Cases[name]);
    }

    [Theory]
    [MemberData(nameof(UnsaidNames))]
    public async Task What_only_the_code_refuses_is_right_to_the_schema(string name)
    {
        await server.RequireAsync();
        (await server.Probe.RefusalAsync(Unsaid[name].Accepted)).ShouldBeEmpty();
        (await server.Probe.RefusalAsync(Unsaid[name].Refused)).ShouldBeEmpty();
    }
}

internal static class RuleVerdicts
{
    public static async Task ShouldKeepToAsync(this AdmissionProbe probe, RuleCase rule)
    {
        (await probe.RefusalAsync(rule.Accepted)).ShouldBeEmpty();
        var refusal = Regex.Replace(await probe.RefusalAsync(rule.Refused), @"\[[0-9]+\]", "", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
        refusal.ShouldContain($"{rule.Field}: ");
        refusal.ShouldMatch(rule.Words);
    }
}
