using System.Collections.Immutable;

using OnCache.Agent.Bpf;
using OnCache.Agent.Coherence;
using OnCache.Agent.Net;

namespace OnCache.Agent.Rules;

/// <summary>A pod of this node, as rules may tell it from others.</summary>
/// <param name="Devices">The host's end of its veth pair, and the bridge that it is a port of.</param>
/// <param name="Respects">Rules of the host count for it (spec.hostRules).</param>
internal sealed record RuledPod(string Uid, string Name, Ipv4Address Address, ImmutableArray<string> Devices, bool Respects);

/// <summary>A region and the pods that have flows in it.</summary>
internal sealed record RuleImpact(RuleRegion Region, ImmutableArray<RuledPod> Pods);

/// <summary>Lays regions over the pods of a node. Pure.</summary>
/// <param name="Entries">As the programs are told; at most <see cref="Layout.HostRegions"/>.</param>
/// <param name="Impacts">The regions that any pod has flows in, those of <see cref="RuledPod.Respects"/> alone.</param>
internal sealed record RegionPlan(ImmutableArray<HostRegion> Entries, ImmutableArray<RuleImpact> Impacts)
{
    // A set of ranges with more of them is told as one range from its first to its last.
    private const int MostRanges = 8;

    public static RegionPlan None { get; } = new([], []);

    /// <summary>The addresses of pods that have flows in a region.</summary>
    public IEnumerable<Ipv4Address> Ruled => Impacts.SelectMany(static impact => impact.Pods).Select(static pod => pod.Address).Distinct();

    /// <summary>The same pods, as flushes name them.</summary>
    public IEnumerable<FlushTarget> Targets => Impacts.SelectMany(static impact => impact.Pods).Select(static pod => new FlushTarget(pod.Uid, pod.Address)).Distinct();

    /// <param name="peers">The addresses that are reached by the tunnel, in host byte order.</param>
    public static RegionPlan Of(IEnumerable<RuleRegion> regions, IReadOnlyCollection<RuledPod> pods, IntervalSet peers)
    {
        var impacts = ImmutableArray.CreateBuilder<RuleImpact>();
        var entries = new HashSet<HostRegion>();
        foreach (var region in regions)
        {
            var concerned = pods.Where(pod => pod.Respects && Concerns(region.Packets, pod, peers)).ToImmutableArray();
            if (concerned.IsEmpty)
            {
                continue;
            }

            impacts.Add(new RuleImpact(region, concerned));
            entries.UnionWith(EntriesOf(region, concerned, peers));
        }

        return new RegionPlan(Bounded([.. entries]), impacts.ToImmutable());
    }

    /// <summary>Whether packets of the class may be of a pod's flows that can be cached.</summary>
    public static bool Concerns(PacketClass packets, RuledPod pod, IntervalSet peers)
    {
        if (packets.Way is PacketWay.OuterIn or PacketWay.OuterOut)
        {
            return true;
        }

        var (local, remote) = packets.Way == PacketWay.FromPod ? (packets.Sources, packets.Destinations) : (packets.Destinations, packets.Sources);
        return local.Contains(pod.Address.Value) && remote.Overlaps(peers) && packets.PodDevices.All(pattern => pod.Devices.Any(pattern.Matches));
    }

    private static IEnumerable<HostRegion> EntriesOf(RuleRegion region, ImmutableArray<RuledPod> pods, IntervalSet peers)
    {
        var scope = region.Scope == RegionReach.Flows ? RegionScope.Flows : RegionScope.ShortConnections;
        var packets = region.Packets;
        if (packets.Way is PacketWay.OuterIn or PacketWay.OuterOut)
        {
            // Which pods' packets are inside, the outer ones do not tell.
            return [Whole(scope)];
        }

        var fromPod = packets.Way == PacketWay.FromPod;
        var (local, remote) = fromPod ? (packets.Sources, packets.Destinations) : (packets.Destinations, packets.Sources);
        var (localPorts, remotePorts) = fromPod ? (packets.SourcePorts, packets.DestinationPorts) : (packets.DestinationPorts, packets.SourcePorts);
        if (scope == RegionScope.ShortConnections)
        {
            // A pair's verdict is for any port of the side that asks.
            (localPorts, remotePorts) = fromPod ? (IntervalSet.AllPorts, remotePorts) : (localPorts, IntervalSet.AllPorts);
        }

        // A device of the pods' side makes it a matter of single pods.
        ImmutableArray<Interval> locals = packets.PodDevices.IsEmpty ? Ranges(local) : [.. pods.Select(static pod => new Interval(pod.Address.Value, pod.Address.Value))];
        IReadOnlyList<byte> protocols = packets.Protocols.Equals(PacketClass.CachedProtocols)
            ? [0]
            : [.. ((ReadOnlySpan<byte>)[PacketClass.Icmp, PacketClass.Tcp, PacketClass.Udp]).ToArray().Where(protocol => packets.Protocols.Contains(protocol))];
        return from protocol in protocols
               from ofLocal in locals
               from ofRemote in Ranges(remote.Intersect(peers))
               from localPort in Ranges(localPorts)
               from remotePort in Ranges(remotePorts)
               select new HostRegion
               {
                   LocalMin = ofLocal.First,
                   LocalMax = ofLocal.Last,
                   RemoteMin = ofRemote.First,
                   RemoteMax = ofRemote.Last,
                   LocalPortMin = (ushort)localPort.First,
                   LocalPortMax = (ushort)localPort.Last,
                   RemotePortMin = (ushort)remotePort.First,
                   RemotePortMax = (ushort)remotePort.Last,
                   Protocol = protocol,
                   Scope = scope,
               };
    }

    private static HostRegion Whole(RegionScope scope) => new()
    {
        LocalMax = uint.MaxValue,
        RemoteMax = uint.MaxValue,
        LocalPortMax = ushort.MaxValue,
        RemotePortMax = ushort.MaxValue,
        Scope = scope,
    };

    private static ImmutableArray<Interval> Ranges(IntervalSet set) => set.Intervals.Length <= MostRanges ? set.Intervals : [set.Hull];

    /// <summary>Where there are more than the programs can be told, those of a scope become one that covers them all.</summary>
    private static ImmutableArray<HostRegion> Bounded(IReadOnlyList<HostRegion> entries)
    {
        if (entries.Count <= Layout.HostRegions)
        {
            return [.. entries];
        }

        var merged = ((IReadOnlyList<RegionScope>)[RegionScope.Flows, RegionScope.ShortConnections])
            .OrderByDescending(scope => entries.Count(entry => entry.Scope == scope))
            .First();
        var rest = entries.Where(entry => entry.Scope != merged).ToList();
        return Bounded([.. rest, Hull([.. entries.Where(entry => entry.Scope == merged)])]);
    }

    private static HostRegion Hull(IReadOnlyList<HostRegion> entries) => new()
    {
        LocalMin = entries.Min(static one => one.LocalMin),
        LocalMax = entries.Max(static one => one.LocalMax),
        RemoteMin = entries.Min(static one => one.RemoteMin),
        RemoteMax = entries.Max(static one => one.RemoteMax),
        LocalPortMin = entries.Min(static one => one.LocalPortMin),
        LocalPortMax = entries.Max(static one => one.LocalPortMax),
        RemotePortMin = entries.Min(static one => one.RemotePortMin),
        RemotePortMax = entries.Max(static one => one.RemotePortMax),
        Protocol = entries.Select(static one => one.Protocol).Distinct().Count() == 1 ? entries[0].Protocol : (byte)0,
        Scope = entries[0].Scope,
    };
}
