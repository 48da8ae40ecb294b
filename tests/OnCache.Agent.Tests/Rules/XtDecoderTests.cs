using System.Text;

using OnCache.Agent.Rules;

namespace OnCache.Agent.Tests.Rules;

public sealed class XtDecoderTests
{
    /// <summary>Of a match that the agent does not know, or not in this form, nobody can say which packets it takes.</summary>
    [Theory]
    [InlineData("tomorrows")]
    [InlineData("tcp")]
    public void A_match_that_is_not_known_keeps_its_flows_off_the_fast_path(string name)
    {
        var match = XtDecoder.Match(name, revision: 0, data: []);

        match.Text.ShouldBe($"-m {name}");
        match.Terms.ShouldHaveSingleItem().ShouldBeOfType<EffectTerm>().What.ShouldBe("unknown match");
    }

    /// <summary>struct xt_ct_target_info_v1: flags, zone, two masks of events, then 16 octets of a helper's name and 32 of a timeout's.</summary>
    [Theory]
    [InlineData(1, "", false)]
    [InlineData(1, "short", true)]
    [InlineData(2, "short", true)]
    [InlineData(0, "short", false)]
    public void A_timeout_that_a_rule_gives_a_connection_is_no_flow_s(int revision, string timeout, bool isKept)
    {
        var data = new byte[72];
        Encoding.ASCII.GetBytes(timeout).CopyTo(data, 28);

        var terms = XtDecoder.Target("CT", revision, data, marksAreRead: false).Terms;

        terms.OfType<EffectTerm>().Any(static term => term is { What: "timeout of its own", FirstPacketsOnly: false }).ShouldBe(isKept);
    }
}
