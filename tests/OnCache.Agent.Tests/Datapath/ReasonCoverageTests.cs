using OnCache.Agent.Bpf;
using OnCache.Agent.Tests.Datapath.Cases;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>Every reason is met by a case: a new reason without one fails here.</summary>
public sealed class ReasonCoverageTests
{
    /// <summary>Reasons that no test run can reach, with what would reach them.</summary>
    private static readonly Dictionary<Reason, string> s_elsewhere = new()
    {
        [Reason.LearnFailed] = "a kernel without memory: the filter cache takes what is counted in, so an update fails for no other cause",
    };

    [Fact]
    public void Every_reason_has_a_case_or_a_cause_why_not()
    {
        var met = CaseReader.All().Select(pair => pair.Case.Expect.Reason).OfType<Reason>().ToHashSet();

        Enum.GetValues<Reason>().Except(met).ShouldBe(s_elsewhere.Keys, ignoreOrder: true);
    }

    [Fact]
    public void Every_program_has_a_case_of_every_verdict_it_can_give()
    {
        var met = CaseReader.All().Select(pair => (pair.Program, pair.Case.Expect.Verdict)).ToHashSet();

        met.ShouldBe(
            [
                ("pod_egress", Verdict.Next),
                ("pod_egress", Verdict.Redirect),
                ("node_ingress", Verdict.Next),
                ("node_ingress", Verdict.Redirect),
                ("node_egress_learn", Verdict.Next),
                ("pod_ingress_learn", Verdict.Next),
            ],
            ignoreOrder: true);
    }

    [Fact]
    public void Names_are_unique_within_a_program_and_every_case_says_why()
    {
        var cases = CaseReader.All();

        cases.Select(pair => (pair.Program, pair.Case.Name)).ShouldBeUnique();
        cases.ShouldAllBe(pair => pair.Case.Description.EndsWith('.'));
    }

    [Theory]
    [InlineData("packt: [], packet: [], expect: { verdict: next }", "packt")]
    [InlineData("packet: [{ ipv4: { from: pod, to: pod, tttl: 3 } }], expect: { verdict: next }", "tttl")]
    [InlineData("packet: [], expect: { verdict: next, reason: NoSuchReason }", "NoSuchReason")]
    [InlineData("packet: []", "expect")]
    public void A_misspelt_or_missing_field_is_an_error_that_names_it(string fields, string named)
    {
        using var text = new StringReader($"program: p\ncases: [{{ name: n, description: d, {fields} }}]");

        var error = Should.Throw<YamlDotNet.Core.YamlException>(() => CaseReader.Read(text));

        $"{error.Message} {error.InnerException?.Message}".ShouldContain(named);
    }
}
