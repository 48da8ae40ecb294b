using System.Collections.Immutable;

using OnCache.Agent.Net;

namespace OnCache.Agent.Topology;

/// <summary>What the kernel would do with a packet, as far as the snapshot can tell.</summary>
internal enum RouteVerdict
{
    /// <summary>It leaves by <see cref="RouteOutcome.Route"/>.</summary>
    Forward,

    /// <summary>The destination is this node itself.</summary>
    Local,

    NoRoute,

    /// <summary>A blackhole, unreachable or prohibit route or rule.</summary>
    Refused,

    /// <summary>Several next hops, an encapsulation, an IPv6 gateway or the like.</summary>
    Special,

    /// <summary>Policy routing decides by something a snapshot does not know.</summary>
    Undecided,
}

/// <param name="Verdict">The kind of outcome.</param>
/// <param name="Route">The route that decides; null when none does.</param>
/// <param name="Rule">For <see cref="RouteVerdict.Undecided"/>: the rule that leaves it open.</param>
internal sealed record RouteOutcome(RouteVerdict Verdict, Ipv4Route? Route = null, RoutingRule? Rule = null);

/// <summary>
/// The kernel's IPv4 route lookup on a snapshot: rules in order, longest prefix first, then metric. A rule that may or may not match
/// (it looks at marks, devices, ports) leaves the result standing only when both cases end at the same route.
/// </summary>
internal static class RouteLookup
{
    // What a namespace starts with; a snapshot without rules is read as this.
    private static readonly ImmutableArray<RoutingRule> s_defaultRules =
    [
        new() { Priority = 0, Table = Ipv4Route.LocalTable },
        new() { Priority = 32766, Table = Ipv4Route.MainTable },
        new() { Priority = 32767, Table = Ipv4Route.DefaultTable },
    ];

    private enum Match
    {
        No,
        Maybe,
        Yes,
    }

    /// <summary>Looks up the route of a packet this node sends.</summary>
    /// <param name="snapshot">The network.</param>
    /// <param name="destination">The packet's destination.</param>
    /// <param name="source">Its source; null while unknown.</param>
    /// <param name="outIfIndex">The device it must leave by; 0 for any.</param>
    public static RouteOutcome Find(NetworkSnapshot snapshot, Ipv4Address destination, Ipv4Address? source = null, int outIfIndex = 0)
    {
        var possible = new List<(RouteOutcome Outcome, RoutingRule Rule)>();
        foreach (var rule in snapshot.Rules.IsEmpty ? s_defaultRules : snapshot.Rules)
        {
            var match = Matches(rule, destination, source);
            if (match == Match.No || Apply(snapshot, rule, destination, outIfIndex) is not { } outcome)
            {
                continue;
            }

            if (match == Match.Yes)
            {
                return Agreed(possible, outcome);
            }

            possible.Add((outcome, rule));
        }

        return Agreed(possible, new RouteOutcome(RouteVerdict.NoRoute));
    }

    private static RouteOutcome Agreed(List<(RouteOutcome Outcome, RoutingRule Rule)> possible, RouteOutcome outcome)
    {
        foreach (var other in possible)
        {
            if (other.Outcome != outcome)
            {
                return new RouteOutcome(RouteVerdict.Undecided, Rule: other.Rule);
            }
        }

        return outcome;
    }

    private static Match Matches(RoutingRule rule, Ipv4Address destination, Ipv4Address? source)
    {
        // Only packets of a VRF's devices match; those devices are refused by whoever asks.
        if (rule.L3Master)
        {
            return Match.No;
        }

        var known = !rule.Destination.Contains(destination) || source is { } from && !rule.Source.Contains(from)
            ? Match.No
            : rule.HasOtherSelectors || source is null && rule.Source.Length > 0
                ? Match.Maybe
                : Match.Yes;
        return (rule.Invert, known) switch
        {
            (false, _) => known,
            (true, Match.Yes) => Match.No,
            (true, Match.No) => Match.Yes,
            (true, _) => Match.Maybe,
        };
    }

    /// <summary>Null when evaluation goes on with the next rule.</summary>
    private static RouteOutcome? Apply(NetworkSnapshot snapshot, RoutingRule rule, Ipv4Address destination, int outIfIndex) =>
        rule.Action switch
        {
            RuleAction.Lookup => InTable(snapshot, rule, destination, outIfIndex),
            RuleAction.Nop => null,
            RuleAction.Blackhole or RuleAction.Unreachable or RuleAction.Prohibit => new RouteOutcome(RouteVerdict.Refused),
            _ => new RouteOutcome(RouteVerdict.Undecided, Rule: rule),
        };

    private static RouteOutcome? InTable(NetworkSnapshot snapshot, RoutingRule rule, Ipv4Address destination, int outIfIndex)
    {
        if (!snapshot.RouteTables.TryGetValue(rule.Table, out var table))
        {
            return null;
        }

        foreach (var alternatives in table.Matches(destination))
        {
            foreach (var route in alternatives)
            {
                if (outIfIndex != 0 && outIfIndex != route.OutIfIndex
                    && route is { Type: RouteType.Unicast, Specialty: RouteSpecialty.None })
                {
                    continue;
                }

                return route.Type == RouteType.Throw || route.Destination.Length <= rule.SuppressPrefixLength ? null : Outcome(route);
            }
        }

        return null;
    }

    private static RouteOutcome Outcome(Ipv4Route route) => route.Type switch
    {
        // A route for one TOS: the TOS of the packets to come is not known.
        _ when route.Tos != 0 => new RouteOutcome(RouteVerdict.Special, route),
        RouteType.Unicast when route.Specialty != RouteSpecialty.None => new RouteOutcome(RouteVerdict.Special, route),
        RouteType.Unicast => new RouteOutcome(RouteVerdict.Forward, route),
        RouteType.Local or RouteType.Broadcast or RouteType.Anycast => new RouteOutcome(RouteVerdict.Local, route),
        RouteType.Blackhole or RouteType.Unreachable or RouteType.Prohibit => new RouteOutcome(RouteVerdict.Refused, route),
        _ => new RouteOutcome(RouteVerdict.Special, route),
    };
}
