using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace OnCache.Agent.Rules;

/// <summary>
/// What the matches and targets of xtables mean, whether legacy tables hold them or nf_tables' compat expressions. Pure. A name that is
/// not known counts as something that no verdict carries.
/// </summary>
internal static class XtDecoder
{
    /// <summary>What a match asks.</summary>
    public static XtExtension Match(string name, int revision, ReadOnlySpan<byte> data) => name switch
    {
        "tcp" when data.Length >= 12 => Tcp(data),
        "udp" or "udplite" when data.Length >= 9 => Udp(data),
        "multiport" when data.Length >= 32 => Multiport(revision, data),
        "conntrack" when data.Length >= 152 => Conntrack(revision, data),
        "state" when data.Length >= 4 => State(MemoryMarshal.Read<uint>(data)),
        "addrtype" when data.Length >= 8 => AddressType(revision, data),
        "iprange" when revision == 1 && data.Length >= 65 => IpRange(data),
        "set" when data.Length >= 4 => Set(revision, data),
        "ip" when data.Length >= 24 => BridgedIp(data),
        "comment" => new XtExtension($"-m comment --comment \"{Text(data)}\"", [new ConstantTerm(Passes: true)]),
        "mark" or "connmark" or "mac" or "physdev" or "pkttype" or "owner" or "policy" or "rpfilter" or "socket" or "helper" or "realm" or "devgroup" or "cluster"
            or "esp" or "ah" or "sctp" or "dccp" or "cgroup" or "ipvs" or "connlabel" or "icmp" or "ipcomp" or "l2tp" or "osf" or "among" or "mark_m" or "vlan" or "arp" or "802_3" or "stp" => new XtExtension($"-m {name}", [new OpaqueTerm(name)]),
        // Only a SYN has it, so one that began on the fast path would be told from others by it.
        "tcpmss" => new XtExtension("-m tcpmss", [new OpaqueTerm(name), new EffectTerm("asks for a SYN's option", FirstPacketsOnly: true)]),
        // Whether it has a quota, its name does not tell.
        "nfacct" => new XtExtension($"-m nfacct --nfacct-name {Text(data)}", [new EffectTerm("counter that may have a quota")]),
        "length" or "dscp" or "tos" or "ttl" or "hl" or "ecn" or "cpu" => new XtExtension($"-m {name}", [new VaryingTerm(name)]),
        "connlimit" => new XtExtension(ConnectionLimit(data), [new EffectTerm("counts connections", FirstPacketsOnly: true)]),
        "limit" or "hashlimit" => new XtExtension($"-m {name}", [new EffectTerm("limit")]),
        "quota" or "rateest" => new XtExtension($"-m {name}", [new EffectTerm(name == "quota" ? "quota" : "rate of packets")]),
        "connbytes" => new XtExtension("-m connbytes", [new EffectTerm("counts a connection's bytes")]),
        "statistic" => new XtExtension("-m statistic", [new EffectTerm("statistic: one packet is not like the next")]),
        "recent" => new XtExtension("-m recent", [new EffectTerm("set that packets fill")]),
        "time" => new XtExtension("-m time", [new EffectTerm("time of day")]),
        "string" or "u32" or "bpf" => new XtExtension($"-m {name}", [new EffectTerm("asks for the packet's content")]),
        _ => new XtExtension($"-m {name}", [new EffectTerm("unknown match")]),
    };

    /// <summary>What a target does.</summary>
    /// <param name="marksAreRead">A qdisc or filter on the way may read the mark.</param>
    public static XtExtension Target(string name, int revision, ReadOnlySpan<byte> data, bool marksAreRead) => name switch
    {
        "REJECT" => new XtExtension("-j REJECT", []) { Verdict = RuleVerdict.Drop },
        // HMARK's mark is a hash of the addresses and ports.
        "MARK" or "mark" or "HMARK" => new XtExtension(
            $"-j {name}",
            [new NoteTerm("mark") { AsksSourcePort = name == "HMARK" }, .. marksAreRead ? [new EffectTerm("mark that a qdisc or filter may read")] : ImmutableArray<RuleTerm>.Empty]),
        "NOTRACK" => new XtExtension("-j NOTRACK", [new NoteTerm("not tracked")]),
        "SECMARK" or "CONNSECMARK" => new XtExtension($"-j {name}", [new NoteTerm("security mark")]),
        "CHECKSUM" => new XtExtension("-j CHECKSUM", []),
        "CONNMARK" => new XtExtension(
            "-j CONNMARK",
            [
                new NoteTerm("mark of the connection"), new EffectTerm("notes something of a connection", FirstPacketsOnly: true),
                .. marksAreRead && MaySetMark(revision, data) ? [new EffectTerm("mark that a qdisc or filter may read")] : ImmutableArray<RuleTerm>.Empty,
            ]),
        "CT" => Tracking(revision, data),
        "SNAT" or "DNAT" or "MASQUERADE" or "REDIRECT" or "NETMAP" => new XtExtension($"-j {name}", []) { Verdict = RuleVerdict.Accept },
        "TCPMSS" => new XtExtension("-j TCPMSS", [new EffectTerm("MSS clamping", FirstPacketsOnly: true)]),
        "SYNPROXY" => new XtExtension("-j SYNPROXY", [new EffectTerm("SYN proxy", FirstPacketsOnly: true)]) { Verdict = RuleVerdict.Drop },
        "DSCP" => new XtExtension(revision == 0 && data.Length > 0 ? $"-j DSCP --set-dscp 0x{data[0]:x2}" : "-j DSCP", [new EffectTerm("rewrites the packet")]),
        "TOS" or "TTL" or "HL" or "ECN" or "TCPOPTSTRIP" or "snat" or "dnat" or "redirect" or "arpreply" => new XtExtension($"-j {name}", [new EffectTerm("rewrites the packet")]),
        "CLASSIFY" => new XtExtension("-j CLASSIFY", [new EffectTerm("classifies packets")]),
        "LOG" or "NFLOG" or "ULOG" or "AUDIT" or "log" or "nflog" => new XtExtension($"-j {name}", [new EffectTerm("log")]),
        "TRACE" => new XtExtension("-j TRACE", [new EffectTerm("trace")]),
        "SET" => new XtExtension("-j SET", [new EffectTerm("set that packets fill")]),
        "TEE" => new XtExtension("-j TEE", [new EffectTerm("copies or diverts packets")]),
        "TPROXY" => new XtExtension("-j TPROXY", [new EffectTerm("diverts packets")]) { Verdict = RuleVerdict.Accept },
        "NFQUEUE" or "QUEUE" => new XtExtension($"-j {name}", [new EffectTerm("queue")]) { Verdict = RuleVerdict.Drop },
        "IDLETIMER" or "RATEEST" or "LED" => new XtExtension($"-j {name}", [new EffectTerm("counts packets")]),
        _ => new XtExtension($"-j {name}", [new EffectTerm("unknown target")]),
    };

    private static XtExtension Tcp(ReadOnlySpan<byte> data)
    {
        const byte InvertSource = 1, InvertDestination = 2, InvertFlags = 4;
        var terms = ImmutableArray.CreateBuilder<RuleTerm>();
        var text = new StringBuilder("-m tcp");
        var inverted = data[11];
        Ports(terms, text, PacketField.SourcePort, data, (inverted & InvertSource) != 0);
        Ports(terms, text, PacketField.DestinationPort, data[4..], (inverted & InvertDestination) != 0);
        var (mask, compared, negated) = (data[9], data[10], (inverted & InvertFlags) != 0);
        if (data[8] != 0)
        {
            terms.Add(new VaryingTerm("tcp option"));
        }

        if (mask != 0)
        {
            terms.Add(new TcpFlagsTerm(flags => ((flags & mask) == compared) != negated, $"{mask:x2}/{compared:x2}/{negated}"));
            text.Append(CultureInfo.InvariantCulture, $"{(negated ? " !" : "")} --tcp-flags 0x{mask:x2} 0x{compared:x2}");
        }

        return new XtExtension(text.ToString(), terms.ToImmutable());
    }

    private static XtExtension Udp(ReadOnlySpan<byte> data)
    {
        var terms = ImmutableArray.CreateBuilder<RuleTerm>();
        var text = new StringBuilder("-m udp");
        Ports(terms, text, PacketField.SourcePort, data, (data[8] & 1) != 0);
        Ports(terms, text, PacketField.DestinationPort, data[4..], (data[8] & 2) != 0);
        return new XtExtension(text.ToString(), terms.ToImmutable());
    }

    private static void Ports(ImmutableArray<RuleTerm>.Builder terms, StringBuilder text, PacketField field, ReadOnlySpan<byte> data, bool inverted)
    {
        // In the machine's byte order.
        var (first, last) = (MemoryMarshal.Read<ushort>(data), MemoryMarshal.Read<ushort>(data[2..]));
        if (first == 0 && last == ushort.MaxValue && !inverted)
        {
            return;
        }

        var ports = IntervalSet.Of(first, last);
        terms.Add(new FieldTerm(field, inverted ? IntervalSet.AllPorts.Except(ports) : ports));
        text.Append(CultureInfo.InvariantCulture, $"{(inverted ? " !" : "")} --{(field == PacketField.SourcePort ? "sport" : "dport")} {first}{(last == first ? "" : $":{last}")}");
    }

    private static XtExtension Multiport(int revision, ReadOnlySpan<byte> data)
    {
        const int PortsAt = 2, FlagsAt = 32, InvertAt = 47, Most = 15;
        var count = Math.Min((int)data[1], Most);
        var intervals = new List<Interval>();
        for (var i = 0; i < count; i++)
        {
            var port = MemoryMarshal.Read<ushort>(data[(PortsAt + 2 * i)..]);
            if (revision >= 1 && data.Length > FlagsAt + i && data[FlagsAt + i] != 0 && i + 1 < count)
            {
                intervals.Add(new Interval(port, MemoryMarshal.Read<ushort>(data[(PortsAt + 2 * ++i)..])));
            }
            else
            {
                intervals.Add(new Interval(port, port));
            }
        }

        var inverted = revision >= 1 && data.Length > InvertAt && data[InvertAt] != 0;
        var ports = IntervalSet.Of(intervals);
        ports = inverted ? IntervalSet.AllPorts.Except(ports) : ports;
        var (source, destination) = (new FieldTerm(PacketField.SourcePort, ports), new FieldTerm(PacketField.DestinationPort, ports));
        ImmutableArray<RuleTerm> terms = data[0] switch
        {
            0 => [source],
            1 => [destination],
            // Neither of the two is one of them: both are others.
            _ when inverted => [source, destination],
            _ => [new EitherTerm(source, destination)],
        };
        var kind = data[0] switch
        {
            0 => "sports",
            1 => "dports",
            _ => "ports",
        };
        return new XtExtension(
            $"-m multiport{(inverted ? " !" : "")} --{kind} {string.Join(',', intervals.Select(static one => one.First == one.Last ? $"{one.First}" : $"{one.First}:{one.Last}"))}",
            terms);
    }

    private static XtExtension Conntrack(int revision, ReadOnlySpan<byte> data)
    {
        const int FlagsAt = 146, StateFlag = 1, ExpiresFlag = 1 << 7, Direction = 1 << 12, StateAlias = 1 << 13;
        const int PortOfOrigin = 1 << 8, PortOfReplysDestination = 1 << 11, Others = 0xffff & ~(StateFlag | StateAlias);
        var flags = MemoryMarshal.Read<ushort>(data[FlagsAt..]);
        var inverted = MemoryMarshal.Read<ushort>(data[(FlagsAt + 2)..]);
        var terms = ImmutableArray.CreateBuilder<RuleTerm>();
        var text = new StringBuilder("-m conntrack");
        if ((flags & StateFlag) != 0)
        {
            var mask = revision >= 2 && data.Length >= 152 ? MemoryMarshal.Read<ushort>(data[(FlagsAt + 4)..]) : data[FlagsAt + 4];
            const int Untracked = 1 << 8;
            var state = States(mask, (mask & Untracked) != 0, (inverted & StateFlag) != 0);
            terms.Add(new StateTerm(state));
            text.Append(CultureInfo.InvariantCulture, $" --ctstate {Words(state)}");
        }

        if ((flags & ExpiresFlag) != 0)
        {
            terms.Add(new VaryingTerm("ctexpire"));
        }

        if ((flags & Others) != 0)
        {
            text.Append((flags & Direction) != 0 ? " --ctdir" : " ...");
            terms.Add(new OpaqueTerm("conntrack") { AsksSourcePort = (flags & (PortOfOrigin | PortOfReplysDestination)) != 0 });
        }

        return new XtExtension(text.ToString(), terms.ToImmutable());
    }

    private static XtExtension State(uint mask)
    {
        const uint Untracked = 1 << 6;
        var states = States(mask, (mask & Untracked) != 0, negated: false);
        return new XtExtension($"-m state --state {Words(states)}", [new StateTerm(states)]);
    }

    /// <summary>The bits of xtables: INVALID, ESTABLISHED, RELATED, NEW from the lowest on. A translated connection is never cached.</summary>
    private static ConnectionStates States(uint mask, bool untracked, bool negated)
    {
        var states = (ConnectionStates)(mask & 0xf) | (untracked ? ConnectionStates.Untracked : ConnectionStates.None);
        return negated ? ConnectionStates.All & ~states : states;
    }

    private static XtExtension AddressType(int revision, ReadOnlySpan<byte> data)
    {
        const int Local = 1 << 2;
        var (source, destination) = (MemoryMarshal.Read<ushort>(data), MemoryMarshal.Read<ushort>(data[2..]));
        var negated = revision >= 1 ? (MemoryMarshal.Read<uint>(data[4..]) & 2) != 0 : data.Length >= 12 && MemoryMarshal.Read<uint>(data[8..]) != 0;
        return source == 0 && destination == Local
            ? new XtExtension($"-m addrtype{(negated ? " !" : "")} --dst-type LOCAL", [new LocalDestinationTerm(negated)])
            : new XtExtension("-m addrtype", [new OpaqueTerm("addrtype")]);
    }

    private static XtExtension IpRange(ReadOnlySpan<byte> data)
    {
        const int FlagsAt = 64, InSource = 1, InDestination = 2, NotSource = 16, NotDestination = 32;
        var terms = ImmutableArray.CreateBuilder<RuleTerm>();
        var flags = data[FlagsAt];
        if ((flags & InSource) != 0)
        {
            terms.Add(Range(PacketField.Source, data, (flags & NotSource) != 0));
        }

        if ((flags & InDestination) != 0)
        {
            terms.Add(Range(PacketField.Destination, data[32..], (flags & NotDestination) != 0));
        }

        return new XtExtension("-m iprange", terms.ToImmutable());

        static FieldTerm Range(PacketField field, ReadOnlySpan<byte> data, bool negated)
        {
            var range = IntervalSet.Of(BinaryPrimitives.ReadUInt32BigEndian(data), BinaryPrimitives.ReadUInt32BigEndian(data[16..]));
            return new FieldTerm(field, negated ? IntervalSet.AllAddresses.Except(range) : range);
        }
    }

    private static XtExtension Set(int revision, ReadOnlySpan<byte> data)
    {
        // struct xt_set_info: the set's number, its dimension, flags of which the lowest says "not in it", and one for each part of the key
        // that is the source's. The second part is a port, more often than not.
        const int Source = 2, SourceOfSecond = 4, SourceOfThird = 8;
        var number = MemoryMarshal.Read<ushort>(data);
        var (dimension, flags) = (data[2], data[3]);
        var negated = (flags & 1) != 0;
        var look = new SetTerm(NameOfIpSet(number), IsVolatile: false, negated)
        {
            AsksSourcePort = dimension >= 2 && (flags & SourceOfSecond) != 0,
            // The last part of three, the second of which is a port. Revision 0 has another layout.
            BySource = revision > 0 && dimension is 1 or 2 or 3 ? ((flags & Source) != 0, (flags & SourceOfThird) != 0) : null,
        };
        var text = $"-m set{(negated ? " !" : "")} --match-set #{number} {((flags & Source) != 0 ? "src" : "dst")}";

        // struct ip_set_counter_match0 (revision 3) and ip_set_counter_match: a comparison, IPSET_COUNTER_NONE for none, and a value.
        var (packetsAt, bytesAt) = revision == 3 ? (8, 24) : (16, 32);
        return revision >= 3 && data.Length > bytesAt && (data[packetsAt] != 0 || data[bytesAt] != 0)
            ? new XtExtension($"{text} --packets-... or --bytes-...", [look, new EffectTerm("counts packets")])
            : new XtExtension(text, [look]);
    }

    /// <summary>struct ebt_ip_info: what of an IPv4 packet a bridge asks for.</summary>
    private static XtExtension BridgedIp(ReadOnlySpan<byte> data)
    {
        const int AsksAt = 18, TypeOfService = 4, SourcePort = 0x10;
        var asks = data[AsksAt];
        RuleTerm others = new OpaqueTerm("ip") { AsksSourcePort = (asks & SourcePort) != 0 };
        return new XtExtension("-m ip", (asks & TypeOfService) != 0 ? [others, new VaryingTerm("tos")] : [others]);
    }

    /// <summary>How a term names an ipset.</summary>
    public static string NameOfIpSet(ushort number) => string.Create(CultureInfo.InvariantCulture, $"ipset {number}");

    /// <summary>Of a CONNMARK, all but those that note the packet's mark for the connection, or a value of their own.</summary>
    private static bool MaySetMark(int revision, ReadOnlySpan<byte> data)
    {
        // struct xt_connmark_tginfo1: three numbers of 32 bits, then the mode; tginfo2 has two octets on shifting before it.
        const byte Set = 0, Save = 1;
        var modeAt = revision < 2 ? 12 : 14;
        return data.Length <= modeAt || data[modeAt] is not (Set or Save);
    }

    private static XtExtension Tracking(int revision, ReadOnlySpan<byte> data)
    {
        // struct xt_ct_target_info: flags, zone, two masks of events, the helper's name.
        // From revision 1 on: and that of a timeout.
        const int HelperAt = 12, ZoneAt = 2, TimeoutAt = 28;
        var zone = data.Length >= 4 ? MemoryMarshal.Read<ushort>(data[ZoneAt..]) : (ushort)0;
        var helper = data.Length > HelperAt ? Text(data[HelperAt..Math.Min(data.Length, HelperAt + 16)]) : "";
        var note = new NoteTerm("how it is tracked");
        if (revision > 0 && data.Length > TimeoutAt && Text(data[TimeoutAt..]) is { Length: > 0 } timeout)
        {
            // The fast path keeps entries alive by the node's settings.
            return new XtExtension($"-j CT --timeout {timeout}", [note, new EffectTerm("timeout of its own")]);
        }

        return helper.Length > 0 || zone != 0
            ? new XtExtension($"-j CT{(helper.Length > 0 ? $" --helper {helper}" : $" --zone {zone}")}", [note, new EffectTerm("conntrack helper", FirstPacketsOnly: true)])
            : new XtExtension("-j CT", [note]);
    }

    private static string ConnectionLimit(ReadOnlySpan<byte> data)
    {
        // struct xt_connlimit_info: a mask of 16 octets, the limit.
        return data.Length >= 20 ? $"-m connlimit --connlimit-above {MemoryMarshal.Read<uint>(data[16..])}" : "-m connlimit";
    }

    private static string Words(ConnectionStates states) => states.ToString().ToUpperInvariant().Replace(" ", "", StringComparison.Ordinal);

    private static string Text(ReadOnlySpan<byte> data)
    {
        var end = data.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? data : data[..end]);
    }
}

/// <summary>A match or target of xtables.</summary>
internal sealed record XtExtension(string Text, ImmutableArray<RuleTerm> Terms)
{
    /// <summary>Of a target that ends a rule's chain.</summary>
    public RuleVerdict? Verdict { get; init; }
}
