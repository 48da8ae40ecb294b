using System.Collections.Immutable;

namespace OnCache.Agent.Rules;

/// <summary>One thing that a rule asks or does.</summary>
internal abstract record RuleTerm
{
    /// <summary>It depends on the source port in a way that no class shows; the next connection of the pair has another one.</summary>
    public virtual bool AsksSourcePort { get; init; }

    /// <summary>The set whose elements it tells, of one that was read into the rule's meaning; null otherwise.</summary>
    public string? OfSet { get; init; }

    /// <summary>The packets of the class that pass the term.</summary>
    /// <param name="exact">Whether it is all of them and no other; else it may be fewer.</param>
    /// <returns>Null where no packet of the class passes.</returns>
    public abstract PacketClass? Narrow(PacketClass packets, in WalkContext context, out bool exact);
}

/// <summary>What a walk knows beside the packets.</summary>
/// <param name="Devices">The node's devices by their part on the packets' way.</param>
/// <param name="Stage">Where the hook is.</param>
/// <param name="OfFirstPackets">The packets are those that begin a connection; else those of flows.</param>
internal readonly record struct WalkContext(DeviceRoles Devices, HookStage Stage, bool OfFirstPackets = false);

/// <summary>Addresses, ports, protocols, connection states: whatever a class is made of.</summary>
internal sealed record FieldTerm(PacketField Field, IntervalSet Values) : RuleTerm
{
    /// <summary>Of a port: it is read wherever TCP and UDP have it, whatever the protocol is. ICMP has its type or its checksum there.</summary>
    public bool OfAnyProtocol { get; init; }

    public override PacketClass? Narrow(PacketClass packets, in WalkContext context, out bool exact)
    {
        exact = true;
        if (OfAnyProtocol && !Values.IsEmpty && packets.Protocols.Contains(PacketClass.Icmp))
        {
            // A class is a product of sets: what ICMP has there, its ports do not say.
            exact = false;
            return packets;
        }

        switch (Field)
        {
            case PacketField.Source:
                packets = packets with { Sources = packets.Sources.Intersect(Values) };
                break;
            case PacketField.Destination:
                packets = packets with { Destinations = packets.Destinations.Intersect(Values) };
                break;
            case PacketField.SourcePort:
                packets = packets with { Protocols = packets.Protocols.Intersect(s_withPorts), SourcePorts = packets.SourcePorts.Intersect(Values) };
                break;
            case PacketField.DestinationPort:
                packets = packets with { Protocols = packets.Protocols.Intersect(s_withPorts), DestinationPorts = packets.DestinationPorts.Intersect(Values) };
                break;
            case PacketField.Protocol:
                packets = packets with { Protocols = packets.Protocols.Intersect(Values) };
                break;
        }

        return packets.IsEmpty ? null : packets;
    }

    private static readonly IntervalSet s_withPorts = IntervalSet.Of([new(PacketClass.Tcp, PacketClass.Tcp), new(PacketClass.Udp, PacketClass.Udp)]);
}

/// <summary>Either of two fields: a port of either side.</summary>
internal sealed record EitherTerm(FieldTerm One, FieldTerm Other) : RuleTerm
{
    public override bool AsksSourcePort => One.Field == PacketField.SourcePort || Other.Field == PacketField.SourcePort;

    public override PacketClass? Narrow(PacketClass packets, in WalkContext context, out bool exact)
    {
        var one = One.Narrow(packets, context, out exact);
        var other = Other.Narrow(packets, context, out _);
        if (one is null || other is null)
        {
            return one ?? other;
        }

        // A class is a product of sets, which a union is not.
        exact = false;
        return packets with { Protocols = one.Protocols.Union(other.Protocols) };
    }
}

/// <summary>What conntrack says of the packet.</summary>
internal sealed record StateTerm(ConnectionStates States) : RuleTerm
{
    public override PacketClass? Narrow(PacketClass packets, in WalkContext context, out bool exact)
    {
        exact = true;
        var states = packets.States & States;
        return states == ConnectionStates.None ? null : packets with { States = states };
    }
}

/// <summary>TCP's flags. On the fast path are segments with ACK or RST and without SYN; a connection begins with a plain SYN.</summary>
/// <param name="Passes">By the octet of flags.</param>
internal sealed record TcpFlagsTerm(Func<byte, bool> Passes, string Description) : RuleTerm
{
    private const byte Fin = 1;
    private const byte Syn = 2;
    private const byte Rst = 4;
    private const byte Ack = 16;

    private static readonly IntervalSet s_tcp = IntervalSet.Of(PacketClass.Tcp, PacketClass.Tcp);

    /// <summary>They are read wherever TCP has them, whatever the protocol is.</summary>
    public bool OfAnyProtocol { get; init; }

    public override PacketClass? Narrow(PacketClass packets, in WalkContext context, out bool exact)
    {
        exact = true;
        if (OfAnyProtocol && !packets.Protocols.Equals(s_tcp))
        {
            exact = false;
            return packets;
        }

        packets = packets with { Protocols = packets.Protocols.Intersect(s_tcp) };
        if (packets.IsEmpty)
        {
            return null;
        }

        int passing = 0, all = 0;
        for (var flags = 0; flags < 256; flags++)
        {
            if (CanBe((byte)flags, packets.States, context.OfFirstPackets))
            {
                all++;
                passing += Passes((byte)flags) ? 1 : 0;
            }
        }

        exact = passing == all;
        return passing == 0 ? null : packets;
    }

    /// <summary>
    /// Whether it differs among the packets by which conntrack may come to know a connection: its SYN, or a segment of one that began on the fast
    /// path.
    /// </summary>
    public bool TellsFirstPackets => Enumerable.Range(0, 256).Select(static flags => (byte)flags)
        .Where(static flags => (flags & (Fin | Syn | Rst | Ack)) == Syn || (flags & (Syn | Rst | Ack)) == Ack).Select(Passes).Distinct().Count() > 1;

    /// <summary>Whether it differs among the packets of one flow.</summary>
    public bool Varies(PacketClass packets) => Narrow(packets, default, out var exact) is not null && !exact;

    private static bool CanBe(byte flags, ConnectionStates states, bool ofFirstPackets)
    {
        // Packets of flows go on, also where conntrack has not seen them yet or calls them new.
        var begins = ofFirstPackets && (flags & (Fin | Syn | Rst | Ack)) == Syn;
        var goesOn = (flags & Syn) == 0 && (flags & (Ack | Rst)) != 0;
        return ((states & ~ConnectionStates.Established) != ConnectionStates.None && begins)
            || ((!ofFirstPackets || (states & ~ConnectionStates.New) != ConnectionStates.None) && goesOn);
    }

    public bool Equals(TcpFlagsTerm? other) => other is not null && string.Equals(Description, other.Description, StringComparison.Ordinal);

    public override int GetHashCode() => string.GetHashCode(Description, StringComparison.Ordinal);
}

/// <summary>A device that the packet comes in or goes out by.</summary>
internal sealed record DeviceTerm(bool Incoming, DevicePattern Pattern) : RuleTerm
{
    public override PacketClass? Narrow(PacketClass packets, in WalkContext context, out bool exact)
    {
        exact = true;
        if (!Incoming && context.Stage == HookStage.Incoming)
        {
            // There is no such device yet; only "not that one" passes.
            return Pattern.IsNegated ? packets : null;
        }

        if (Incoming && context.Stage == HookStage.Outgoing && packets.Way == PacketWay.OuterOut)
        {
            // None in OUTPUT; in POSTROUTING the tunnel is still noted as it.
            exact = false;
            return Pattern.IsNegated || context.Devices.Tunnels.Any(Pattern.Matches) ? packets : null;
        }

        switch (packets.Way)
        {
            case PacketWay.OuterOut or PacketWay.OuterIn:
                return Known(packets, context.Devices.Nics, out exact);
            case PacketWay.FromPod when !Incoming:
            case PacketWay.ToPod when Incoming:
                return Known(packets, context.Devices.Tunnels, out exact);
            default:
                // Each pod has its own; whose it is, is asked when the rule is laid over the pods.
                exact = context.Devices.OtherDevices.Count == 0 && Pattern.IsNegated;
                return Pattern.IsNegated || !context.Devices.OtherDevices.Contains(Pattern.Name) || Pattern.IsPrefix
                    ? packets with { PodDevices = packets.PodDevices.Add(Pattern) }
                    : null;
        }
    }

    private PacketClass? Known(PacketClass packets, IReadOnlyCollection<string> devices, out bool exact)
    {
        var passing = devices.Count(Pattern.Matches);
        exact = passing == devices.Count;
        return passing == 0 && devices.Count > 0 ? null : packets;
    }
}

/// <summary>One of several devices.</summary>
internal sealed record DevicesTerm(bool Incoming, ImmutableArray<DevicePattern> Patterns) : RuleTerm
{
    public override PacketClass? Narrow(PacketClass packets, in WalkContext context, out bool exact)
    {
        exact = true;
        PacketClass? found = null;
        foreach (var pattern in Patterns)
        {
            if (new DeviceTerm(Incoming, pattern).Narrow(packets, context, out var all) is not { } narrowed)
            {
                continue;
            }

            if (all)
            {
                exact = true;
                return narrowed;
            }

            // A class names one device: of several, any.
            found = found is null ? narrowed : packets;
            exact = false;
        }

        return found;
    }
}

/// <summary>Whether the destination is an address of the node itself.</summary>
internal sealed record LocalDestinationTerm(bool IsNegated) : RuleTerm
{
    public override PacketClass? Narrow(PacketClass packets, in WalkContext context, out bool exact)
    {
        exact = true;
        return (packets.Way == PacketWay.OuterIn) != IsNegated ? packets : null;
    }
}

/// <summary>Always, or never.</summary>
internal sealed record ConstantTerm(bool Passes) : RuleTerm
{
    public override PacketClass? Narrow(PacketClass packets, in WalkContext context, out bool exact)
    {
        exact = true;
        return Passes ? packets : null;
    }
}

/// <summary>Something that is the same for all packets of a flow as long as the rules are, but of which a class knows nothing: a mark, a MAC address.</summary>
internal sealed record OpaqueTerm(string Description) : RuleTerm
{
    public override PacketClass? Narrow(PacketClass packets, in WalkContext context, out bool exact)
    {
        exact = false;
        return packets;
    }
}

/// <summary>A look into a set.</summary>
/// <param name="Set">Its name, as events have it.</param>
/// <param name="IsVolatile">Its elements come by packets, or go by time, and nobody is told.</param>
/// <param name="IsNegated">Passes what is not in it.</param>
internal sealed record SetTerm(string Set, bool IsVolatile, bool IsNegated) : RuleTerm
{
    /// <summary>What is looked up in it, in words.</summary>
    public string Key { get; init; } = "";

    /// <summary>Packets may add to it (NFT_SET_EVAL), of which the kernel sends no event.</summary>
    public bool IsFilledByPackets { get; init; }

    /// <summary>It chooses among verdicts, each of which says for whom it is.</summary>
    public bool IsMap { get; init; }

    /// <summary>
    /// Of an ipset, whether the first and the last part of an element are compared with the packet's source, else with its destination; null where
    /// that is not told.
    /// </summary>
    public (bool First, bool Last)? BySource { get; init; }

    /// <summary>By the octets of an element's first and last key, what packets that find it pass; null where that cannot be told.</summary>
    public Func<byte[], byte[], IEnumerable<RuleTerm>>? Finders { get; init; }

    public bool Equals(SetTerm? other) =>
        other is not null && string.Equals(Set, other.Set, StringComparison.Ordinal) && string.Equals(Key, other.Key, StringComparison.Ordinal)
        && IsVolatile == other.IsVolatile && IsFilledByPackets == other.IsFilledByPackets && IsNegated == other.IsNegated
        && BySource == other.BySource;

    public override int GetHashCode() => HashCode.Combine(Set, Key, IsVolatile, IsNegated, BySource);

    public override PacketClass? Narrow(PacketClass packets, in WalkContext context, out bool exact)
    {
        exact = IsMap;
        return packets;
    }
}

/// <summary>Something that differs from packet to packet of a flow: length, DSCP, payload. What follows from it, no flow's verdict carries.</summary>
/// <param name="What">In words, for the reason.</param>
internal sealed record VaryingTerm(string What) : RuleTerm
{
    public override PacketClass? Narrow(PacketClass packets, in WalkContext context, out bool exact)
    {
        exact = false;
        return packets;
    }
}

/// <summary>
/// Something that the rule notes of a packet or its connection and that later rules may ask for: a mark, that it is not tracked. By itself a
/// verdict carries it; where it depends on what differs from packet to packet, it does not.
/// </summary>
/// <param name="What">In words.</param>
internal sealed record NoteTerm(string What) : RuleTerm
{
    public override PacketClass? Narrow(PacketClass packets, in WalkContext context, out bool exact)
    {
        exact = true;
        return packets;
    }
}

/// <summary>Something that is done, and not carried by a verdict.</summary>
/// <param name="What">In words, for the reason.</param>
/// <param name="FirstPacketsOnly">It concerns no packet of a flow but those that begin it.</param>
internal sealed record EffectTerm(string What, bool FirstPacketsOnly = false) : RuleTerm
{
    /// <summary>The set of the table that it adds packets' keys to; null for none.</summary>
    public string? Fills { get; init; }

    public override PacketClass? Narrow(PacketClass packets, in WalkContext context, out bool exact)
    {
        // A limit passes some packets and not others.
        exact = false;
        return packets;
    }
}

/// <summary>What of a packet a class knows.</summary>
internal enum PacketField
{
    Source,
    Destination,
    SourcePort,
    DestinationPort,
    Protocol,
}

/// <summary>The node's devices by their part on the way of the packets.</summary>
/// <param name="Tunnels">The tunnel device.</param>
/// <param name="Nics">What carries the tunnel.</param>
/// <param name="OtherDevices">Devices that are none of these, nor on the pods' side.</param>
internal sealed record DeviceRoles(IReadOnlyCollection<string> Tunnels, IReadOnlyCollection<string> Nics, IReadOnlySet<string> OtherDevices)
{
    public static DeviceRoles Unknown { get; } = new([], [], new HashSet<string>(StringComparer.Ordinal));
}
