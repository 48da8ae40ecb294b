namespace OnCache.Api.Tests;

public sealed class LabelSelectorTests
{
    private static readonly Dictionary<string, string> Web = Endpoints.Labels(("app", "web"), ("tier", "front"));

    [Fact]
    public void The_empty_selector_matches_everything()
    {
        new LabelSelector().Matches(Web).ShouldBeTrue();
        new LabelSelector().Matches(Endpoints.Labels()).ShouldBeTrue();
    }

    [Theory]
    [InlineData("app", "web", true)]
    [InlineData("app", "db", false)]
    [InlineData("zone", "web", false)]
    [InlineData("app", "WEB", false)]
    public void A_label_must_be_there_with_exactly_this_value(string key, string value, bool matches) =>
        Endpoints.Selector(key, value).Matches(Web).ShouldBe(matches);

    [Theory]
    [InlineData("app", LabelSelectorOperator.In, "web,db", true)]
    [InlineData("app", LabelSelectorOperator.In, "db", false)]
    [InlineData("zone", LabelSelectorOperator.In, "web", false)]
    [InlineData("app", LabelSelectorOperator.NotIn, "web", false)]
    [InlineData("app", LabelSelectorOperator.NotIn, "db", true)]
    [InlineData("zone", LabelSelectorOperator.NotIn, "web", true)]
    [InlineData("app", LabelSelectorOperator.Exists, "", true)]
    [InlineData("zone", LabelSelectorOperator.Exists, "", false)]
    [InlineData("app", LabelSelectorOperator.DoesNotExist, "", false)]
    [InlineData("zone", LabelSelectorOperator.DoesNotExist, "", true)]
    public void Expressions_mean_what_they_mean_in_Kubernetes(string key, LabelSelectorOperator comparison, string values, bool matches)
    {
        var selector = new LabelSelector
        {
            MatchExpressions = [new(key, comparison, values.Split(',', StringSplitOptions.RemoveEmptyEntries))],
        };

        selector.Matches(Web).ShouldBe(matches);
    }

    [Fact]
    public void Labels_and_expressions_must_all_hold()
    {
        var selector = Endpoints.Selector("app", "web") with
        {
            MatchExpressions =
            [
                new("tier", LabelSelectorOperator.In, ["front"]),
                new("zone", LabelSelectorOperator.DoesNotExist, []),
            ],
        };

        selector.Matches(Web).ShouldBeTrue();
        selector.Matches(Endpoints.Labels(("app", "web"), ("tier", "back"))).ShouldBeFalse();
        selector.Matches(Endpoints.Labels(("app", "db"), ("tier", "front"))).ShouldBeFalse();
        selector.Matches(Endpoints.Labels(("app", "web"), ("tier", "front"), ("zone", "a"))).ShouldBeFalse();
    }
}
