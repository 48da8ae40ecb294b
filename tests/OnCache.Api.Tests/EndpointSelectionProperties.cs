using FsCheck;
using FsCheck.Fluent;

namespace OnCache.Api.Tests;

/// <summary>What holds of the selection whatever the policies are.</summary>
public sealed class EndpointSelectionProperties
{
    private static readonly string[] NamespaceNames = ["shop", "bank", "kube-system", "unknown"];

    private static readonly Gen<LabelSelector> Selectors =
        from key in Gen.Elements("app", "tier")
        from value in Gen.Elements("web", "db")
        from comparison in Gen.Elements(Enum.GetValues<LabelSelectorOperator>())
        from byLabel in Gen.Elements(true, false)
        select byLabel
            ? Endpoints.Selector(key, value)
            : new LabelSelector
            {
                MatchExpressions = [new(key, comparison, comparison is LabelSelectorOperator.In or LabelSelectorOperator.NotIn ? [value] : [])],
            };

    private static readonly Gen<CachePolicy> Policies =
        from name in Gen.Elements("a", "b", "c", "d")
        from mode in Gen.Elements(Enum.GetValues<AccelerationMode>())
        from rules in Gen.Elements(Enum.GetValues<HostRules>())
        from protocols in Gen.Elements(Protocols.Tcp, Protocols.Udp, Protocols.Tcp | Protocols.Icmp, Protocols.All)
        from names in Gen.SubListOf(NamespaceNames)
        from spaces in Selectors.OrNull()
        from pods in Selectors.OrNull()
        select new CachePolicy
        {
            Name = name,
            Mode = mode,
            HostRules = rules,
            Protocols = protocols,
            Namespaces = new() { Names = [.. names], Selector = spaces },
            PodSelector = pods,
        };

    private static readonly Gen<LocalEndpoint> Pods =
        from home in Gen.Elements(NamespaceNames)
        from app in Gen.Elements("web", "db")
        from tier in Gen.Elements("web", "db", null)
        from hostNetwork in Gen.Elements(true, false, false, false)
        from wish in Gen.Elements("true", "false", null, null)
        select Endpoints.Pod with
        {
            Namespace = home,
            Labels = tier is null ? Endpoints.Labels(("app", app)) : Endpoints.Labels(("app", app), ("tier", tier)),
            HostNetwork = hostNetwork,
            Annotations = wish is null ? Endpoints.Labels() : Endpoints.Labels((ApiGroup.AccelerateAnnotation, wish)),
        };

    private static readonly Gen<Exclusions> Excluded =
        from names in Gen.SubListOf(NamespaceNames)
        from pods in Selectors.OrNull()
        select new Exclusions { Namespaces = [.. names], PodSelectors = pods is null ? [] : [pods] };

    private static readonly Arbitrary<(NodeCacheConfigSpec Spec, LocalEndpoint Pod)> Cases = (
        from policies in Gen.ListOf(Policies)
        from exclusions in Excluded
        from pod in Pods
        select (new NodeCacheConfigSpec { Policies = [.. policies], Exclusions = exclusions }, pod)).ToArbitrary();

    [Fact]
    public void Exclusions_win_whatever_the_policies_say() => Check(Cases, item =>
    {
        var (spec, pod) = item;
        var excluded = spec.Exclusions.Namespaces.Contains(pod.Namespace, StringComparer.Ordinal)
            || spec.Exclusions.PodSelectors.Any(selector => selector.Matches(pod.Labels));
        return !excluded || Select(spec, pod) is { Mode: AccelerationMode.Disabled, Protocols: Protocols.None, PolicyName: null };
    });

    [Fact]
    public void Nothing_but_a_matching_policy_accelerates() => Check(Cases, item =>
    {
        var (spec, pod) = item;
        var treatment = Select(spec, pod);
        return treatment.Mode == AccelerationMode.Disabled
            || (!pod.HostNetwork
                && !pod.Annotations.Values.Contains("false", StringComparer.Ordinal)
                && Endpoints.Namespaces.ContainsKey(pod.Namespace)
                && spec.Policies.Any(policy => string.Equals(policy.Name, treatment.PolicyName, StringComparison.Ordinal)));
    });

    [Fact]
    public void The_first_match_wins_so_policies_after_it_change_nothing() => Check(Cases, item =>
    {
        var (spec, pod) = item;
        var treatment = Select(spec, pod);
        var deciding = spec.Policies.TakeWhile(policy => !Decides(policy, spec, pod)).Count() + 1;
        return treatment.Cause != SelectionCause.PolicyMatched
            || treatment == Select(spec with { Policies = [.. spec.Policies.Take(deciding)] }, pod);
    });

    [Fact]
    public void A_policy_that_does_not_match_can_be_left_out() => Check(Cases, item =>
    {
        var (spec, pod) = item;
        return Select(spec, pod) == Select(spec with { Policies = [.. spec.Policies.Where(policy => Decides(policy, spec, pod))] }, pod);
    });

    [Fact]
    public void The_answer_is_the_same_every_time_and_always_says_why() => Check(Cases, item =>
    {
        var (spec, pod) = item;
        var treatment = Select(spec, pod);
        return treatment == Select(spec, pod) && treatment.Reason.Length > 0;
    });

    private static bool Decides(CachePolicy policy, NodeCacheConfigSpec spec, LocalEndpoint pod) =>
        Select(spec with { Policies = [policy] }, pod).Cause == SelectionCause.PolicyMatched;

    private static EndpointTreatment Select(NodeCacheConfigSpec spec, LocalEndpoint pod) =>
        EndpointSelection.Select(spec, Endpoints.Namespaces, pod);

    private static void Check<T>(Arbitrary<T> cases, Func<T, bool> holds) => Prop.ForAll(cases, holds).QuickCheckThrowOnFailure();
}
