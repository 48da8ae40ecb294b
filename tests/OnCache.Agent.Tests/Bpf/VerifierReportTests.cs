using OnCache.Agent.Bpf;

namespace OnCache.Agent.Tests.Bpf;

public sealed class VerifierReportTests
{
    [Fact]
    public void Tail_is_one_line_and_says_how_much_is_left_out() =>
        new VerifierReport("p", "one\ntwo\n\n  three  \nfour\n").Tail(2).ShouldBe("three | four (2 lines left out)");

    [Theory]
    [InlineData("", "")]
    [InlineData("\n\n", "")]
    [InlineData("only", "only")]
    [InlineData("one\ntwo", "one | two")]
    public void A_short_log_is_given_whole(string log, string tail) => new VerifierReport("p", log).Tail(2).ShouldBe(tail);
}
