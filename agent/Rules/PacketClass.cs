using System.Collections.Immutable;

namespace OnCache.Agent.Rules;

/// <summary>
/// Packets that a rule may meet, as far as rules can be told apart by them: a product of sets, in the packet's own direction. What is not
/// in it (marks, lengths, payload) may be anything.
/// </summary>
internal sealed record PacketClass
{
    public const byte Icmp = 1;
    public const byte Tcp = 6;
    public const byte Udp = 17;

    /// <summary>What can be cached at all.</summary>
    public static IntervalSet CachedProtocols { get; } = IntervalSet.Of([new(Icmp, Icmp), new(Tcp, Tcp), new(Udp, Udp)]);

    public IntervalSet Protocols { get; init; } = CachedProtocols;

    public IntervalSet Sources { get; init; } = IntervalSet.AllAddresses;

    public IntervalSet Destinations { get; init; } = IntervalSet.AllAddresses;

    public IntervalSet SourcePorts { get; init; } = IntervalSet.AllPorts;

    public IntervalSet DestinationPorts { get; init; } = IntervalSet.AllPorts;

    /// <summary>The states that conntrack may give it.</summary>
    public ConnectionStates States { get; init; } = ConnectionStates.All;

    /// <summary>Its device on the pods' side, in the words of rules; none for any.</summary>
    public ImmutableArray<DevicePattern> PodDevices { get; init; } = [];

    public PacketWay Way { get; init; }

    public bool IsEmpty => Protocols.IsEmpty || Sources.IsEmpty || Destinations.IsEmpty || SourcePorts.IsEmpty || DestinationPorts.IsEmpty || States == ConnectionStates.None;

    public bool Equals(PacketClass? other) =>
        other is not null && Way == other.Way && States == other.States && Protocols.Equals(other.Protocols) && Sources.Equals(other.Sources)
        && Destinations.Equals(other.Destinations) && SourcePorts.Equals(other.SourcePorts) && DestinationPorts.Equals(other.DestinationPorts)
        && PodDevices.SequenceEqual(other.PodDevices);

    public override int GetHashCode() => HashCode.Combine(Way, States, Protocols, Sources, Destinations, SourcePorts, DestinationPorts, PodDevices.Length);
}

/// <summary>Which packets of the fast path would have met a hook.</summary>
internal enum PacketWay
{
    /// <summary>A pod's, on their way to the tunnel.</summary>
    FromPod,

    /// <summary>A pod's, out of the tunnel.</summary>
    ToPod,

    /// <summary>The tunnel's own, outward.</summary>
    OuterOut,

    /// <summary>The tunnel's own, inward.</summary>
    OuterIn,
}

/// <summary>What conntrack says of a packet; the bits of nftables (NF_CT_STATE_*).</summary>
[Flags]
internal enum ConnectionStates
{
    None = 0,
    Invalid = 1,
    Established = 2,
    Related = 4,
    New = 8,
    Untracked = 64,
    All = Invalid | Established | Related | New | Untracked,
}

/// <summary>A device as rules name it.</summary>
/// <param name="Name">A name, or the beginning of one.</param>
/// <param name="IsPrefix">Names that begin so.</param>
/// <param name="IsNegated">All but these.</param>
internal readonly record struct DevicePattern(string Name, bool IsPrefix, bool IsNegated)
{
    public bool Matches(string device) =>
        (IsPrefix ? device.StartsWith(Name, StringComparison.Ordinal) : string.Equals(device, Name, StringComparison.Ordinal)) != IsNegated;

    public override string ToString() => (IsNegated ? "! " : "") + Name + (IsPrefix ? "*" : "");
}
