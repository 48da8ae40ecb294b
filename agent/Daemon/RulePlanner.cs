using System.Collections.Immutable;

using OnCache.Agent.Bpf;
using OnCache.Agent.Net;
using OnCache.Agent.Rules;
using OnCache.Agent.Telemetry;
using OnCache.Agent.Topology;
using OnCache.Api;

namespace OnCache.Agent.Daemon;

/// <summary>Lays the rules of the host over a plan. Pure.</summary>
internal static class RulePlanner
{
    /// <summary>The plan with what rules keep off the fast path.</summary>
    /// <param name="rules">Regions of netfilter's rules.</param>
    /// <param name="foreign">Programs of others at tcx hooks, as regions.</param>
    /// <param name="isBefore">Of a filter at the NIC's ingress: it sees what the fast path takes, too.</param>
    public static NodePlan WithRules(NodePlan plan, NetworkSnapshot snapshot, IEnumerable<RuleRegion> rules, IEnumerable<RuleRegion> foreign, Predicate<TcFilter> isBefore)
    {
        if (plan.Underlay.Value is not { } underlay)
        {
            return plan;
        }

        var pods = PodsOf(plan, snapshot);
        var devices = DeviceRules.Of(
            snapshot, underlay, Bridges(plan, snapshot), plan.Nics.Select(snapshot.Links.GetValueOrDefault).OfType<Link>(), NodePlanner.IsOwnFilter, isBefore);
        var regions = RegionPlan.Of(rules.Concat(devices).Concat(foreign), pods, PeersOf(snapshot, underlay));
        var ruled = regions.Ruled.ToHashSet();
        return plan with
        {
            Regions = regions,
            Endpoints =
            [
                .. plan.Endpoints.Select(endpoint => endpoint.Spec is { } spec && ruled.Contains(spec.Address)
                    ? endpoint with { Spec = spec with { Flags = spec.Flags | EndpointFlags.Ruled } }
                    : endpoint),
            ],
        };
    }

    /// <summary>The endpoints whose flows may meet rules that changed.</summary>
    public static IReadOnlyList<RuledPod> Concerned(NodePlan plan, NetworkSnapshot snapshot, ImmutableArray<RuleEncounter> changed)
    {
        if (changed.IsEmpty || plan.Underlay.Value is not { } underlay)
        {
            return [];
        }

        var peers = PeersOf(snapshot, underlay);
        var classes = changed.Select(static encounter => encounter.Packets).Distinct().ToList();
        return [.. PodsOf(plan, snapshot).Where(pod => classes.Exists(packets => RegionPlan.Concerns(packets, pod, peers)))];
    }

    /// <summary>The node's devices by their part on the packets' way.</summary>
    public static DeviceRoles RolesOf(NodePlan plan, NetworkSnapshot snapshot)
    {
        if (plan.Underlay.Value is not { } underlay)
        {
            return DeviceRoles.Unknown;
        }

        HashSet<int> known = [underlay.Tunnel.IfIndex, .. plan.Nics, .. plan.Endpoints.Select(static endpoint => endpoint.Attachment?.Value).OfType<EndpointAttachment>().SelectMany(static at => (int[])[at.HostIfIndex, at.BridgeIfIndex])];
        return new DeviceRoles(
            [underlay.Tunnel.Name],
            [.. plan.Nics.Select(snapshot.NameOf)],
            // A veth may become a pod's.
            snapshot.Links.Values.Where(link => link.Kind != "veth" && !known.Contains(link.IfIndex)).Select(static link => link.Name).ToHashSet(StringComparer.Ordinal));
    }

    /// <summary>The tunnel's own packets, outward and inward.</summary>
    public static (PacketClass Out, PacketClass In)? OuterOf(NodePlan plan)
    {
        if (plan.Underlay.Value is not { } underlay)
        {
            return null;
        }

        var local = IntervalSet.Of(underlay.LocalAddress.Value, underlay.LocalAddress.Value);
        var remote = IntervalSet.Of(plan.RemoteNodes.Select(static node => new Interval(node.Address.Value, node.Address.Value)));
        var packets = new PacketClass
        {
            Protocols = IntervalSet.Of(PacketClass.Udp, PacketClass.Udp),
            DestinationPorts = IntervalSet.Of(underlay.Tunnel.Port, underlay.Tunnel.Port),
        };
        return remote.IsEmpty
            ? null
            : (packets with { Sources = local, Destinations = remote, Way = PacketWay.OuterOut }, packets with { Sources = remote, Destinations = local, Way = PacketWay.OuterIn });
    }

    /// <summary>As status shows them: whole flows first.</summary>
    public static IReadOnlyList<HostRuleStatus> StatusOf(RegionPlan regions) =>
    [
        .. regions.Impacts
            .GroupBy(static impact => (impact.Region.Where, impact.Region.Rule, impact.Region.Reason, impact.Region.Scope))
            .OrderBy(static group => group.Key.Scope)
            .Select(static group => new HostRuleStatus
            {
                Rule = group.Key.Rule,
                Where = group.Key.Where,
                Reason = group.Key.Reason,
                Region = string.Join("; ", group.Select(static impact => Words(impact.Region.Packets)).Distinct(StringComparer.Ordinal)),
                Scope = group.Key.Scope == RegionReach.Flows ? HostRuleScope.Flows : HostRuleScope.ShortConnections,
                Pods = [.. group.SelectMany(static impact => impact.Pods).Select(static pod => pod.Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
            }),
    ];

    /// <summary>The addresses that are reached by the tunnel.</summary>
    public static IntervalSet PeersOf(NetworkSnapshot snapshot, Underlay underlay) => IntervalSet.Of(
        snapshot.RouteTables.Values.SelectMany(static table => table.Routes)
            .Where(route => route.OutIfIndex == underlay.Tunnel.IfIndex)
            .SelectMany(static route => RangeOf(route.Destination).Intervals));

    public static IntervalSet RangeOf(Ipv4Prefix network) =>
        IntervalSet.Of(network.Network.Value, network.Network.Value | (uint)((1UL << (Ipv4Prefix.MaxLength - network.Length)) - 1));

    private static IReadOnlyList<RuledPod> PodsOf(NodePlan plan, NetworkSnapshot snapshot) =>
    [
        .. plan.Endpoints.Where(static endpoint => endpoint.Spec is not null).Select(endpoint => new RuledPod(
            endpoint.Pod.Uid,
            $"{endpoint.Pod.Namespace}/{endpoint.Pod.Name}",
            endpoint.Address,
            endpoint.Attachment?.Value is { } at
                ? at.BridgeIfIndex == 0 ? [at.HostIfName] : [at.HostIfName, snapshot.NameOf(at.BridgeIfIndex)]
                : [],
            endpoint.Treatment.HostRules == HostRules.Respect)),
    ];

    private static IEnumerable<Link> Bridges(NodePlan plan, NetworkSnapshot snapshot) => plan.Endpoints
        .Select(static endpoint => endpoint.Attachment?.Value?.BridgeIfIndex ?? 0)
        .Distinct()
        .Select(snapshot.Links.GetValueOrDefault)
        .OfType<Link>();

    private static string Words(PacketClass packets)
    {
        var words = new List<string> { packets.Way switch
        {
            PacketWay.FromPod => "from pods",
            PacketWay.ToPod => "to pods",
            PacketWay.OuterOut => "tunnel packets sent",
            _ => "tunnel packets received",
        } };
        if (!packets.Protocols.Equals(PacketClass.CachedProtocols))
        {
            words.Add(string.Join('/', packets.Protocols.Intervals.Select(static one => one.First switch
            {
                PacketClass.Icmp => "icmp",
                PacketClass.Tcp => "tcp",
                PacketClass.Udp => "udp",
                _ => $"protocol {one.First}",
            })));
        }

        Add("source", packets.Sources, IntervalSet.AllAddresses, static number => new Ipv4Address(number).ToString());
        Add("destination", packets.Destinations, IntervalSet.AllAddresses, static number => new Ipv4Address(number).ToString());
        Add("source port", packets.SourcePorts, IntervalSet.AllPorts, static number => $"{number}");
        Add("destination port", packets.DestinationPorts, IntervalSet.AllPorts, static number => $"{number}");
        words.AddRange(packets.PodDevices.Select(static pattern => $"device {pattern}"));
        return string.Join(", ", words);

        void Add(string name, IntervalSet set, IntervalSet all, Func<uint, string> text)
        {
            const int Most = 3;
            if (!set.Equals(all))
            {
                words.Add($"{name} {string.Join(", ", set.Intervals.Take(Most).Select(one => one.First == one.Last ? text(one.First) : $"{text(one.First)}-{text(one.Last)}"))}{(set.Intervals.Length > Most ? ", ..." : "")}");
            }
        }
    }
}
