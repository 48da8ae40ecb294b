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
    /// <summary>The most rules that status lists.</summary>
    public const int MostRules = 256;

    /// <summary>The most pods that status names of one rule.</summary>
    public const int MostPods = 64;

    // The most regions of one rule that status describes.
    private const int MostRegions = 16;

    // These kinds of filters may ask for the mark; what a bpf program asks for, nobody tells.
    private static readonly string[] s_mayReadMarks = ["fw", "flow", "basic", "u32", "bpf"];

    /// <summary>Everything, for the moment in which rules that set marks are not yet read as what somebody may ask for. Not told: it passes.</summary>
    private static readonly RuleRegion s_marksUnread = new(new PacketClass { Way = PacketWay.OuterOut }, RegionReach.Flows, "", "", "marks");

    /// <summary>The plan with what rules keep off the fast path.</summary>
    /// <param name="rules">Regions of netfilter's rules.</param>
    /// <param name="foreign">Programs of others at tcx hooks, as regions.</param>
    /// <param name="isBefore">Of a filter at the NIC's ingress: it sees what the fast path takes, too.</param>
    /// <param name="marksAreUnread">Somebody may read marks, and <paramref name="rules"/> do not know it yet.</param>
    /// <param name="before">The regions in force, which stay where nothing is otherwise; null at first.</param>
    public static NodePlan WithRules(
        NodePlan plan,
        NetworkSnapshot snapshot,
        IEnumerable<RuleRegion> rules,
        IEnumerable<RuleRegion> foreign,
        Predicate<TcFilter> isBefore,
        bool marksAreUnread,
        RegionPlan? before)
    {
        if (plan.Underlay.Value is not { } underlay)
        {
            return plan;
        }

        var pods = PodsOf(plan, snapshot);
        var devices = DeviceRules.Of(
            snapshot,
            underlay,
            plan.PodBridges.Select(snapshot.Links.GetValueOrDefault).OfType<Link>(),
            plan.Nics.Select(snapshot.Links.GetValueOrDefault).OfType<Link>(),
            NodePlanner.IsOwnFilter,
            isBefore);
        var all = rules.Concat(devices).Concat(foreign);
        var regions = RegionPlan.Of(marksAreUnread ? all.Append(s_marksUnread) : all, pods, PeersOf(snapshot, underlay), before);
        var ruled = regions.Ruled.Select(static pod => pod.Address).ToHashSet();
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

    /// <summary>
    /// Whether somebody may ask for the marks that rules set, and cached packets do not carry: on the NIC, or on what is beneath it, a queueing
    /// discipline of somebody's choice, a filter or program at its egress, or a chain of nf_tables there. Devices before it are regions of their own.
    /// </summary>
    /// <param name="programs">There is a program of somebody else at the egress of a NIC.</param>
    public static bool MarksAreRead(NodePlan plan, NetworkSnapshot snapshot, HostRulesState rules, bool programs)
    {
        var nics = WithLower(snapshot, plan.Nics);
        return programs
            || nics.Any(nic => Shaping.ChosenOf(snapshot, nic) is not null
                || snapshot.Filters.GetValueOrDefault(nic, []).Any(static filter =>
                    filter.Direction == TcDirection.Egress && !NodePlanner.IsOwnFilter(filter) && s_mayReadMarks.Contains(filter.Kind, StringComparer.Ordinal)))
            || rules.Tables.Values.Any(table => AsksForMarks(table, nics.Select(snapshot.NameOf)));
    }

    /// <summary>The devices and those that their packets go out by: ports of a bond, team or bridge, the device below a VLAN.</summary>
    private static HashSet<int> WithLower(NetworkSnapshot snapshot, IEnumerable<int> devices)
    {
        HashSet<int> all = [];
        var rest = new Queue<int>(devices);
        while (rest.TryDequeue(out var device))
        {
            if (all.Add(device))
            {
                var below = snapshot.Links.GetValueOrDefault(device) is { Kind: not "veth", PeerIfIndex: > 0 and var peer, PeerNamespaceId: null } ? peer : 0;
                foreach (var link in snapshot.Links.Values.Where(link => link.MasterIfIndex == device || link.IfIndex == below))
                {
                    rest.Enqueue(link.IfIndex);
                }
            }
        }

        return all;
    }

    /// <summary>The endpoints whose flows may meet rules that changed, and the first rule that any may meet; null where none may.</summary>
    public static (IReadOnlyList<RuledPod> Pods, RuleEncounter First)? Concerned(NodePlan plan, NetworkSnapshot snapshot, ImmutableArray<RuleEncounter> changed)
    {
        if (changed.IsEmpty || plan.Underlay.Value is not { } underlay)
        {
            return null;
        }

        var peers = PeersOf(snapshot, underlay);
        var others = PodsOf(plan, snapshot);
        var asked = new HashSet<PacketClass>();
        var concerned = new List<RuledPod>();
        RuleEncounter? first = null;
        foreach (var encounter in changed)
        {
            if (others.IsEmpty)
            {
                break;
            }

            if (asked.Add(encounter.Packets) && RegionPlan.Concerned(encounter.Packets, others, peers) is { IsEmpty: false } found)
            {
                first ??= encounter;
                concerned.AddRange(found);
                others = [.. others.Except(found)];
            }
        }

        return first is { } one ? (concerned, one) : null;
    }

    /// <summary>Whether every device has the name that it had: rules may say it by its number, and chains hang at it by its name.</summary>
    public static bool HaveSameNames(NetworkSnapshot before, NetworkSnapshot now) => ReferenceEquals(before.Links, now.Links)
        || (before.Links.Count == now.Links.Count && now.Links.All(link => before.Links.TryGetValue(link.Key, out var known) && string.Equals(known.Name, link.Value.Name, StringComparison.Ordinal)));

    /// <summary>The addresses between which the fast path may have flows, those of pods and of peers: too many rather than too few; null for any.</summary>
    public static IntervalSet? EndsOf(NodePlan plan, NetworkSnapshot snapshot) => plan.Underlay.Value is not { } underlay ? null
        : IntervalSet.Of(plan.Endpoints.Select(static endpoint => new Interval(endpoint.Address.Value, endpoint.Address.Value))).Union(PeersOf(snapshot, underlay));

    /// <summary>The node's devices by their part on the packets' way.</summary>
    public static DeviceRoles RolesOf(NodePlan plan, NetworkSnapshot snapshot)
    {
        if (plan.Underlay.Value is not { } underlay)
        {
            return DeviceRoles.Unknown;
        }

        HashSet<int> known = [underlay.Tunnel.IfIndex, .. plan.Nics, .. plan.PodBridges, .. plan.Endpoints.Select(static endpoint => endpoint.Attachment?.Value).OfType<EndpointAttachment>().SelectMany(static at => (int[])[at.HostIfIndex, at.BridgeIfIndex])];
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

    /// <summary>As status shows them: whole flows first, and of long lists no more than anybody reads.</summary>
    public static HostRulesReport StatusOf(RegionPlan regions)
    {
        var groups = regions.Impacts.Where(static impact => !ReferenceEquals(impact.Region, s_marksUnread))
            .GroupBy(static impact => impact.Identity)
            .OrderBy(static group => group.Key.Scope)
            .ToList();
        return new HostRulesReport(
            [.. groups.Take(MostRules).Select(static group => StatusOf(group.Key, [.. group]))],
            Math.Max(groups.Count - MostRules, 0),
            [.. Enum.GetValues<RegionReach>().Select(scope => CountOf(scope, [.. groups.Where(group => group.Key.Scope == scope)]))]);
    }

    /// <summary>The addresses that are reached by the tunnel.</summary>
    public static IntervalSet PeersOf(NetworkSnapshot snapshot, Underlay underlay) => IntervalSet.Of(
        snapshot.RouteTables.Values.SelectMany(static table => table.Routes)
            .Where(route => route.OutIfIndex == underlay.Tunnel.IfIndex)
            .SelectMany(static route => RangeOf(route.Destination).Intervals));

    public static IntervalSet RangeOf(Ipv4Prefix network) =>
        IntervalSet.Of(network.Network.Value, network.Network.Value | (uint)((1UL << (Ipv4Prefix.MaxLength - network.Length)) - 1));

    private static HostRuleStatus StatusOf(RuleIdentity rule, ImmutableArray<RuleImpact> impacts)
    {
        var pods = PodsOf(impacts);
        var words = impacts.Select(static impact => impact.Region.Packets).Distinct().Take(MostRegions + 1).Select(Words).Distinct(StringComparer.Ordinal).ToList();
        return new HostRuleStatus
        {
            Rule = rule.Rule,
            Where = rule.Where,
            Reason = rule.Reason,
            Region = string.Join("; ", words.Take(MostRegions)) + (words.Count > MostRegions ? "; ..." : ""),
            Scope = ScopeOf(rule.Scope),
            Pods = [.. pods.Select(static pod => pod.Name).Order(StringComparer.Ordinal).Take(MostPods)],
            MorePods = Math.Max(pods.Count - MostPods, 0),
        };
    }

    private static HostRuleCount CountOf(RegionReach scope, IReadOnlyList<IGrouping<RuleIdentity, RuleImpact>> groups) => new(
        ScopeOf(scope),
        groups.Count(static group => group.Any(static impact => !impact.Pods.IsEmpty)),
        PodsOf([.. groups.SelectMany(static group => group)]).Count);

    private static HostRuleScope ScopeOf(RegionReach scope) => scope == RegionReach.Flows ? HostRuleScope.Flows : HostRuleScope.ShortConnections;

    private static HashSet<RuledPod> PodsOf(ImmutableArray<RuleImpact> impacts)
    {
        var pods = new HashSet<RuledPod>();
        ImmutableArray<RuledPod> last = [];
        foreach (var impact in impacts)
        {
            // Rules that concern the same pods share their list.
            if (impact.Pods != last)
            {
                pods.UnionWith(last = impact.Pods);
            }
        }

        return pods;
    }

    private static bool AsksForMarks(HostTable table, IEnumerable<string> nics) =>
        table.Hooks.Any(hook => hook is { Device: { } device, DeviceReceives: false } && nics.Any(device.Matches))
        && (table.Unreadable is not null || table.Chains.Values.Any(static chain => chain.Rules.Any(static rule => rule.Text.Contains("mark", StringComparison.Ordinal))));

    private static ImmutableArray<RuledPod> PodsOf(NodePlan plan, NetworkSnapshot snapshot) =>
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
