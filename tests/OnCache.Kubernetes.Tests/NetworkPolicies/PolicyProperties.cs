using FsCheck;
using FsCheck.Fluent;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.NetworkPolicies;

namespace OnCache.Kubernetes.Tests.NetworkPolicies;

public sealed class PolicyProperties
{
    private static readonly Gen<(V1NetworkPolicy[] Policies, TrafficEnd Source, TrafficEnd Destination, TrafficPort Port)> Situations =
        from policies in PolicySamples.PolicySets
        from source in PolicySamples.Ends
        from destination in PolicySamples.Ends
        from port in PolicySamples.Ports
        select (policies, source, destination, port);

    private static readonly Config Thorough = Config.QuickThrowOnFailure.WithMaxTest(5000);

    [Fact]
    public void One_more_rule_never_allows_less()
    {
        var cases =
            from situation in Situations
            from rule in PolicySamples.Rules
            from which in Gen.Choose(0, 10)
            select (situation, rule, which);

        // The new rule's direction has to be one that is isolated already: rules of egress may bring isolation by default.
        Prop.ForAll(cases.ToArbitrary(), item =>
        {
            var (policies, source, destination, port) = item.situation;
            if (policies.Length == 0 || !PolicyEvaluator.Allows(policies, source, destination, port))
            {
                return true;
            }

            var more = policies.Select((policy, i) => i == item.which % policies.Length ? WithRule(policy, item.rule) : policy).ToArray();
            return PolicyEvaluator.Allows(more, source, destination, port);
        }).Check(Thorough);
    }

    [Fact]
    public void Order_does_not_matter() =>
        Prop.ForAll(Situations.ToArbitrary(), item =>
            PolicyEvaluator.Allows(item.Policies, item.Source, item.Destination, item.Port)
            == PolicyEvaluator.Allows([.. item.Policies.Reverse()], item.Source, item.Destination, item.Port)).Check(Thorough);

    [Fact]
    public void Without_policies_everything_is_allowed() =>
        Prop.ForAll(Situations.ToArbitrary(), item => PolicyEvaluator.Allows([], item.Source, item.Destination, item.Port)).Check(Thorough);

    [Fact]
    public void What_is_proven_unrestricted_is_allowed_with_any_peer_on_any_port() =>
        Prop.ForAll(Situations.ToArbitrary(), item => item.Source.Pod is not { } pod
            || new[] { TrafficDirections.Ingress, TrafficDirections.Egress }
                .Where(direction => UnrestrictedTraffic.Of(item.Policies, pod).HasFlag(direction))
                .All(direction => PolicyEvaluator.Allows(item.Policies, pod, direction, item.Destination, item.Port))).Check(Thorough);

    [Fact]
    public void Two_proofs_are_one_for_the_connection() =>
        Prop.ForAll(Situations.ToArbitrary(), item =>
            (item.Source.Pod is { } source && !UnrestrictedTraffic.Of(item.Policies, source).HasFlag(TrafficDirections.Egress))
            || (item.Destination.Pod is { } destination && !UnrestrictedTraffic.Of(item.Policies, destination).HasFlag(TrafficDirections.Ingress))
            || PolicyEvaluator.Allows(item.Policies, item.Source, item.Destination, item.Port)).Check(Thorough);

    /// <summary>What makes it enough to tell of losses: without one, whatever the pod's addresses were allowed they still are.</summary>
    [Fact]
    public void What_was_allowed_with_a_peer_still_is_unless_a_policy_reports_a_loss()
    {
        var cases =
            from policies in PolicySamples.PolicySets
            from pod in PolicySamples.Pods
            from direction in Gen.Elements(TrafficDirections.Ingress, TrafficDirections.Egress)
            from before in PolicySamples.Presences
            from after in PolicySamples.Presences
            from address in PolicySamples.Addresses
            from port in PolicySamples.Ports
            select (policies, pod, direction, before, after, address, port);

        Prop.ForAll(cases.ToArbitrary(), item =>
        {
            // The names of a pod's ports do not change while it lives.
            var after = item is { before: { } was, after: { } now } ? now with { Pod = now.Pod with { Ports = was.Pod.Ports } } : item.after;
            return item.policies
                    .Where(policy => PolicyScope.Selects(policy, item.pod))
                    .Any(policy => PeerChanges.Between(policy, item.before, after).HasFlag(PeerChange.Lost))
                || !Allows(item.before)
                || Allows(after);

            bool Allows(PeerPresence? peer) => PolicyEvaluator.Allows(
                item.policies,
                item.pod,
                item.direction,
                new TrafficEnd(item.address, peer?.Addresses.Contains(item.address) == true ? peer.Pod : null),
                item.port);
        }).Check(Thorough);
    }

    [Fact]
    public void A_change_back_turns_losses_into_gains()
    {
        var cases =
            from policy in PolicySamples.Policies
            from before in PolicySamples.Presences
            from after in PolicySamples.Presences
            select (policy, before, after);

        Prop.ForAll(cases.ToArbitrary(), item =>
        {
            var there = PeerChanges.Between(item.policy, item.before, item.after);
            var back = PeerChanges.Between(item.policy, item.after, item.before);
            return there.HasFlag(PeerChange.Lost) == back.HasFlag(PeerChange.Gained)
                && there.HasFlag(PeerChange.Gained) == back.HasFlag(PeerChange.Lost)
                && PeerChanges.Between(item.policy, item.before, item.before) == PeerChange.None;
        }).Check(Thorough);
    }

    private static V1NetworkPolicy WithRule(V1NetworkPolicy policy, PolicyRule rule) => policy with
    {
        Spec = policy.Spec with
        {
            Ingress = [.. policy.Spec.Ingress, new V1NetworkPolicyIngressRule { FromProperty = rule.Peers, Ports = rule.Ports }],
            Egress = PolicyScope.Directions(policy).HasFlag(TrafficDirections.Egress)
                ? [.. policy.Spec.Egress, new V1NetworkPolicyEgressRule { To = rule.Peers, Ports = rule.Ports }]
                : policy.Spec.Egress,
        },
    };
}
