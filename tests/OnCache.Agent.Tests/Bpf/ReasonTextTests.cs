using OnCache.Agent.Bpf;

namespace OnCache.Agent.Tests.Bpf;

public sealed class ReasonTextTests
{
    private static readonly Reason[] s_reasons = Enum.GetValues<Reason>();

    [Fact]
    public void Every_reason_has_a_text_of_its_own()
    {
        s_reasons.Select(ReasonText.Describe).ShouldBeUnique();
        s_reasons.Select(ReasonText.Describe).ShouldAllBe(text => text.Length > 0 && text.Length <= 60 && !text.EndsWith('.'));
    }

    [Fact]
    public void Labels_are_unique_and_fit_for_a_metric()
    {
        s_reasons.Select(ReasonText.Label).ShouldBeUnique();
        s_reasons.Select(ReasonText.Label)
            .ShouldAllBe(label => label.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_'));
        ReasonText.Label(Reason.LearnNotEstablished).ShouldBe("learn_not_established");
        ReasonText.Label(Reason.NotIpv4).ShouldBe("not_ipv4");
    }

    [Fact]
    public void Numbers_have_no_gap_for_they_index_a_map() =>
        s_reasons.Select(reason => (int)reason).ShouldBe(Enumerable.Range(0, ReasonText.Count));

    [Theory]
    [InlineData(Reason.NoEntry, ReasonKind.Miss)]
    [InlineData(Reason.TcpSyn, ReasonKind.Miss)]
    [InlineData(Reason.Lease, ReasonKind.Miss)]
    [InlineData(Reason.RewriteFailed, ReasonKind.Miss)]
    [InlineData(Reason.Fragment, ReasonKind.Ineligible)]
    [InlineData(Reason.Disabled, ReasonKind.Ineligible)]
    [InlineData(Reason.Observed, ReasonKind.Observed)]
    [InlineData(Reason.LearnHeld, ReasonKind.Learning)]
    [InlineData(Reason.Learned, ReasonKind.Learning)]
    [InlineData(Reason.LearnHelper, ReasonKind.Learning)]
    internal void Kind_says_what_the_hit_ratio_makes_of_it(Reason reason, ReasonKind kind) => ReasonText.Kind(reason).ShouldBe(kind);

    [Fact]
    public void A_number_that_is_no_reason_is_refused() =>
        Should.Throw<ArgumentOutOfRangeException>(() => ReasonText.Describe((Reason)ReasonText.Count));
}
