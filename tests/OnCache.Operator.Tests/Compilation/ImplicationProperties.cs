using FsCheck;
using FsCheck.Fluent;
using OnCache.Api;
using OnCache.Operator.Compilation;

namespace OnCache.Operator.Tests.Compilation;

public sealed class ImplicationProperties
{
    [Fact]
    public void A_selector_that_implies_another_matches_nothing_else()
    {
        var cases =
            from narrow in Clusters.Selectors.OrNull()
            from wide in Clusters.Selectors.OrNull()
            from labels in Clusters.LabelSets
            select (narrow, wide, labels);

        Prop.ForAll(cases.ToArbitrary(), item =>
            !SelectorImplication.Implies(item.narrow, item.wide)
            || item.narrow?.Matches(item.labels) == false
            || item.wide?.Matches(item.labels) != false).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }

    [Fact]
    public void Every_selector_implies_itself_and_the_empty_one()
    {
        Prop.ForAll(Clusters.Selectors.ToArbitrary(), selector =>
            SelectorImplication.Implies(selector, selector)
            && SelectorImplication.Implies(selector, new LabelSelector())
            && SelectorImplication.Implies(selector, wide: null)).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    [Fact]
    public void A_policy_that_includes_another_covers_every_namespace_and_pod_of_it()
    {
        var cases =
            from narrow in Clusters.Specs
            from wide in Clusters.Specs
            from home in Clusters.Homes
            from labels in Clusters.LabelSets
            select (narrow, wide, home, labels);

        Prop.ForAll(cases.ToArbitrary(), item =>
            !PolicyCoverage.Includes(item.wide, item.narrow)
            || !Selects(item.narrow, item.home, item.labels)
            || Selects(item.wide, item.home, item.labels)).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }

    private static bool Selects(OverlayCachePolicySpec spec, LocalNamespace home, IReadOnlyDictionary<string, string> labels) =>
        spec.Namespaces.Covers(home) && spec.PodSelector?.Matches(labels) != false;
}
