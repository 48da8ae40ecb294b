using System.Collections.Immutable;

using OnCache.Agent.Bpf;
using OnCache.Agent.Coherence;
using OnCache.Agent.Net;

namespace OnCache.Agent.Rules;

/// <summary>A pod of this node, as rules may tell it from others.</summary>
/// <param name="Devices">The host's end of its veth pair, and the bridge that it is a port of.</param>
/// <param name="Respects">Rules of the host count for it (spec.hostRules).</param>
internal sealed record RuledPod(string Uid, string Name, Ipv4Address Address, ImmutableArray<string> Devices, bool Respects)
{
    public bool Equals(RuledPod? other) =>
        ReferenceEquals(this, other)
        || (other is not null && string.Equals(Uid, other.Uid, StringComparison.Ordinal) && string.Equals(Name, other.Name, StringComparison.Ordinal)
        && Address == other.Address && Respects == other.Respects && Devices.SequenceEqual(other.Devices, StringComparer.Ordinal));

    public override int GetHashCode() => HashCode.Combine(Uid, Name, Address, Respects, Devices.Length);
}

/// <summary>A region and the pods that have flows in it.</summary>
internal sealed record RuleImpact(RuleRegion Region, ImmutableArray<RuledPod> Pods)
{
    /// <summary>What makes it the same for people, whichever pods there are.</summary>
    public RuleIdentity Identity => new(Region.Where, Region.Rule, Region.Reason, Region.Scope);
}

/// <summary>A rule as status tells it from others.</summary>
internal readonly record struct RuleIdentity(string Where, string Rule, string Reason, RegionReach Scope);

/// <summary>Lays regions over the pods of a node. Pure.</summary>
/// <param name="Entries">As the programs are told; at most <see cref="Layout.HostRegions"/>.</param>
/// <param name="Impacts">
/// The regions that pods have flows in, those of <see cref="RuledPod.Respects"/> alone; without pods, those that had some once: that they come
/// and go is no matter of rules.
/// </param>
/// <param name="Ruled">The pods of <see cref="Impacts"/>, each once.</param>
internal sealed record RegionPlan(ImmutableArray<HostRegion> Entries, ImmutableArray<RuleImpact> Impacts, ImmutableArray<RuledPod> Ruled)
{
    // A set of ranges with more of them is told as one range from its first to its last.
    private const int MostRanges = 8;

    private ImmutableArray<RuleRegion> _regions = [];
    private ImmutableArray<RuledPod> _pods = [];
    private IntervalSet _peers = IntervalSet.Empty;

    public static RegionPlan None { get; } = new([], [], []);

    /// <summary>The pods that have flows in a region, as flushes name them.</summary>
    public IEnumerable<FlushTarget> Targets => Ruled.Select(static pod => new FlushTarget(pod.Uid, pod.Address));

    /// <param name="peers">The addresses that are reached by the tunnel, in host byte order.</param>
    /// <param name="before">The plan in force, which is the answer where nothing is otherwise; null at first.</param>
    public static RegionPlan Of(IEnumerable<RuleRegion> regions, IReadOnlyCollection<RuledPod> pods, IntervalSet peers, RegionPlan? before = null)
    {
        ImmutableArray<RuleRegion> all = [.. regions];
        if (before is not null && before._peers.Equals(peers) && before._pods.SequenceEqual(pods) && before._regions.SequenceEqual(all))
        {
            return before;
        }

        var known = before?.Impacts.Select(static impact => impact.Identity).ToHashSet() ?? [];
        var respecting = pods.Where(static pod => pod.Respects).ToImmutableArray();
        var impacts = ImmutableArray.CreateBuilder<RuleImpact>();
        var ruled = new HashSet<RuledPod>();
        ImmutableArray<RuledPod> last = [];
        var (flows, connections) = (new ToldRegions(RegionScope.Flows), new ToldRegions(RegionScope.ShortConnections));
        foreach (var region in all)
        {
            var concerned = Concerned(region.Packets, respecting, peers);
            // Most rules of a long list concern the same pods.
            concerned = concerned.SequenceEqual(last) ? last : concerned;
            last = concerned;
            var impact = new RuleImpact(region, concerned);
            if (!concerned.IsEmpty || known.Contains(impact.Identity))
            {
                impacts.Add(impact);
            }

            if (ruled.Count < respecting.Length)
            {
                ruled.UnionWith(concerned);
            }

            if (!concerned.IsEmpty)
            {
                (region.Scope == RegionReach.Flows ? flows : connections).Add(region.Packets, concerned, peers);
            }
        }

        return new RegionPlan(ToldRegions.Bounded(flows, connections), impacts.ToImmutable(), [.. ruled]) { _regions = all, _pods = [.. pods], _peers = peers };
    }

    /// <summary>The pods of whose flows, as far as they can be cached, packets of the class may be.</summary>
    public static ImmutableArray<RuledPod> Concerned(PacketClass packets, ImmutableArray<RuledPod> pods, IntervalSet peers)
    {
        if (packets.Way is PacketWay.OuterIn or PacketWay.OuterOut)
        {
            return pods;
        }

        var (local, remote) = packets.Way == PacketWay.FromPod ? (packets.Sources, packets.Destinations) : (packets.Destinations, packets.Sources);
        if (!remote.Overlaps(peers))
        {
            return [];
        }

        // Asked for each rule of a node, so nothing is allocated where all are concerned, or none.
        var first = 0;
        while (first < pods.Length && IsOf(packets, local, pods[first]))
        {
            first++;
        }

        if (first == pods.Length)
        {
            return pods;
        }

        var concerned = ImmutableArray.CreateBuilder<RuledPod>();
        concerned.AddRange(pods.AsSpan(0, first));
        foreach (var pod in pods.AsSpan(first + 1, pods.Length - first - 1))
        {
            if (IsOf(packets, local, pod))
            {
                concerned.Add(pod);
            }
        }

        return concerned.ToImmutable();
    }

    private static bool IsOf(PacketClass packets, IntervalSet local, RuledPod pod)
    {
        if (!local.Contains(pod.Address.Value))
        {
            return false;
        }

        foreach (var pattern in packets.PodDevices)
        {
            var found = false;
            foreach (var device in pod.Devices)
            {
                found |= pattern.Matches(device);
            }

            if (!found)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether packets of the class may be of a pod's flows that can be cached.</summary>
    public static bool Concerns(PacketClass packets, RuledPod pod, IntervalSet peers) => !Concerned(packets, [pod], peers).IsEmpty;

    /// <summary>Regions of one scope as the programs are told; more than these can be told become one that covers them all.</summary>
    private sealed class ToldRegions(RegionScope scope)
    {
        private readonly HashSet<HostRegion> _entries = [];
        private HostRegion? _hull;

        public void Add(PacketClass packets, ImmutableArray<RuledPod> pods, IntervalSet peers)
        {
            var product = RegionProduct.Of(packets, pods, peers, scope);
            if (product.Count == 0)
            {
                return;
            }

            if (_hull is null && product.Count <= Layout.HostRegions)
            {
                _entries.UnionWith(product.Entries());
                if (_entries.Count <= Layout.HostRegions)
                {
                    return;
                }
            }

            _hull = Hull([.. _entries, product.Hull(), .. _hull is { } hull ? [hull] : (ReadOnlySpan<HostRegion>)[]]);
            _entries.Clear();
        }

        /// <summary>Those of both scopes; where they are too many together, the more numerous become one.</summary>
        public static ImmutableArray<HostRegion> Bounded(ToldRegions one, ToldRegions other)
        {
            if (one.All.Length + other.All.Length > Layout.HostRegions)
            {
                var most = one._entries.Count >= other._entries.Count ? one : other;
                most._hull = Hull(most.All);
                most._entries.Clear();
            }

            return [.. one.All, .. other.All];
        }

        private ImmutableArray<HostRegion> All => _hull is { } hull ? [hull] : [.. _entries];

        private static HostRegion Hull(ImmutableArray<HostRegion> entries) => new()
        {
            LocalMin = entries.Min(static one => one.LocalMin),
            LocalMax = entries.Max(static one => one.LocalMax),
            RemoteMin = entries.Min(static one => one.RemoteMin),
            RemoteMax = entries.Max(static one => one.RemoteMax),
            LocalPortMin = entries.Min(static one => one.LocalPortMin),
            LocalPortMax = entries.Max(static one => one.LocalPortMax),
            RemotePortMin = entries.Min(static one => one.RemotePortMin),
            RemotePortMax = entries.Max(static one => one.RemotePortMax),
            Protocol = entries.All(one => one.Protocol == entries[0].Protocol) ? entries[0].Protocol : (byte)0,
            Scope = entries[0].Scope,
        };
    }

    /// <summary>A region as a product of ranges, each combination of which is an entry of its own.</summary>
    private sealed record RegionProduct(
        RegionScope Scope,
        ImmutableArray<byte> Protocols,
        ImmutableArray<Interval> Locals,
        ImmutableArray<Interval> Remotes,
        ImmutableArray<Interval> LocalPorts,
        ImmutableArray<Interval> RemotePorts)
    {
        public long Count => (long)Protocols.Length * Locals.Length * Remotes.Length * LocalPorts.Length * RemotePorts.Length;

        public static RegionProduct Of(PacketClass packets, ImmutableArray<RuledPod> pods, IntervalSet peers, RegionScope scope)
        {
            if (packets.Way is PacketWay.OuterIn or PacketWay.OuterOut)
            {
                // Which pods' packets are inside, the outer ones do not tell.
                var (addresses, ports) = (IntervalSet.AllAddresses.Intervals, IntervalSet.AllPorts.Intervals);
                return new RegionProduct(scope, [0], addresses, addresses, ports, ports);
            }

            var fromPod = packets.Way == PacketWay.FromPod;
            var (local, remote) = fromPod ? (packets.Sources, packets.Destinations) : (packets.Destinations, packets.Sources);
            var (localPorts, remotePorts) = fromPod ? (packets.SourcePorts, packets.DestinationPorts) : (packets.DestinationPorts, packets.SourcePorts);
            if (scope == RegionScope.ShortConnections)
            {
                // A pair's verdict is for any port of the side that asks.
                (localPorts, remotePorts) = fromPod ? (IntervalSet.AllPorts, remotePorts) : (localPorts, IntervalSet.AllPorts);
            }

            return new RegionProduct(
                scope,
                packets.Protocols.Equals(PacketClass.CachedProtocols)
                    ? [0]
                    : [.. ((ReadOnlySpan<byte>)[PacketClass.Icmp, PacketClass.Tcp, PacketClass.Udp]).ToArray().Where(protocol => packets.Protocols.Contains(protocol))],
                // A device of the pods' side makes it a matter of single pods.
                packets.PodDevices.IsEmpty ? Ranges(local) : [.. pods.Select(static pod => new Interval(pod.Address.Value, pod.Address.Value))],
                Ranges(remote.Intersect(peers)),
                Ranges(localPorts),
                Ranges(remotePorts));
        }

        public IEnumerable<HostRegion> Entries() =>
            from protocol in Protocols
            from local in Locals
            from remote in Remotes
            from localPort in LocalPorts
            from remotePort in RemotePorts
            select Entry(protocol, local, remote, localPort, remotePort);

        public HostRegion Hull() => Entry(Protocols is [var only] ? only : (byte)0, Hull(Locals), Hull(Remotes), Hull(LocalPorts), Hull(RemotePorts));

        private HostRegion Entry(byte protocol, Interval local, Interval remote, Interval localPort, Interval remotePort) => new()
        {
            LocalMin = local.First,
            LocalMax = local.Last,
            RemoteMin = remote.First,
            RemoteMax = remote.Last,
            LocalPortMin = (ushort)localPort.First,
            LocalPortMax = (ushort)localPort.Last,
            RemotePortMin = (ushort)remotePort.First,
            RemotePortMax = (ushort)remotePort.Last,
            Protocol = protocol,
            Scope = Scope,
        };

        private static Interval Hull(ImmutableArray<Interval> ranges) => new(ranges.Min(static one => one.First), ranges.Max(static one => one.Last));

        private static ImmutableArray<Interval> Ranges(IntervalSet set) => set.Intervals.Length <= MostRanges ? set.Intervals : [set.Hull];
    }
}
