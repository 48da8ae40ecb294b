using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.IO.Hashing;
using System.Text;

using OnCache.Agent.Net;
using OnCache.Agent.Net.Netfilter;

namespace OnCache.Agent.Rules;

/// <summary>
/// From the expressions of an nf_tables rule to what it asks and does. Pure. An expression that is not known counts as something that no
/// verdict carries.
/// </summary>
/// <param name="sets">The sets of the rule's table by name.</param>
/// <param name="elements">The elements of a set, as far as they were read; null where they could not be.</param>
/// <param name="deviceName">The name of a device by its number.</param>
/// <param name="marksAreRead">A qdisc or filter on the way may read marks.</param>
internal sealed class NftDecoder(
    IReadOnlyDictionary<string, NftSet> sets, Func<NftSet, NftContents?> elements, Func<uint, string> deviceName, bool marksAreRead)
{
    private readonly Dictionary<uint, Loaded> _registers = [];
    private readonly List<RuleTerm> _terms = [];
    private readonly List<NftSet> _constantSets = [];
    private readonly StringBuilder _text = new();
    private readonly XxHash64 _hash = new();
    private RuleVerdict _verdict = RuleVerdict.Continue;

    /// <summary>What a register holds: fields of the packet side by side, and what was done to them.</summary>
    private sealed record Loaded(NftField Field, int Length, string Name)
    {
        public byte[]? Mask { get; init; }

        public byte[]? Xor { get; init; }

        /// <summary>It was made of the source port, among others.</summary>
        public bool AsksSourcePort { get; init; } = Field is NftField.SourcePort or NftField.BothPorts;
    }

    /// <summary>What the rule means may change without a change of the rule: it looks into a set, or names a device by its number.</summary>
    public bool DependsOnMore { get; private set; }

    /// <summary>Sets of the rule's own that it looks into besides. Another rule may have others of the same names.</summary>
    public IReadOnlyList<NftSet> ConstantSets => _constantSets;

    public HostRule Decode(NftRule rule)
    {
        foreach (var expression in new NetlinkAttributes(rule.Expressions))
        {
            string? name = null;
            NetlinkAttribute data = default;
            foreach (var attribute in expression.Nested)
            {
                if (attribute.Type == NftProtocol.NFTA_EXPR_NAME)
                {
                    name = attribute.Text;
                }
                else if (attribute.Type == NftProtocol.NFTA_EXPR_DATA)
                {
                    data = attribute;
                }
            }

            One(name ?? "", data);
        }

        return new HostRule(_text.ToString().Trim(), [.. _terms], _verdict) { Fingerprint = _hash.GetCurrentHashAsUInt64() };
    }

    /// <summary>What identifies a rule's meaning, without reading it: all but what its expressions count.</summary>
    public static ulong Fingerprint(ReadOnlySpan<byte> expressions)
    {
        var hash = new XxHash64();
        foreach (var expression in new NetlinkAttributes(expressions))
        {
            foreach (var attribute in expression.Nested)
            {
                if (attribute.Type == NftProtocol.NFTA_EXPR_NAME && Counts(attribute.Value))
                {
                    hash.Append(attribute.Value);
                    break;
                }

                hash.Append(attribute.Value);
            }
        }

        return hash.GetCurrentHashAsUInt64();
    }

    private static bool Counts(ReadOnlySpan<byte> name) =>
        name.StartsWith("counter\0"u8) || name.StartsWith("quota\0"u8) || name.StartsWith("last\0"u8);

    private void One(string name, NetlinkAttribute data)
    {
        _hash.Append(Encoding.UTF8.GetBytes(name));
        if (name is not ("counter" or "quota" or "last"))
        {
            _hash.Append(data.Value);
        }

        switch (name)
        {
            case "payload":
                Payload(data);
                break;
            case "meta":
                Meta(data);
                break;
            case "ct":
                Conntrack(data);
                break;
            case "cmp":
                Compare(data);
                break;
            case "range":
                Range(data);
                break;
            case "bitwise":
                Bitwise(data);
                break;
            case "byteorder":
                var turned = At(Number(data, 1));
                Load(Number(data, 2), Made(turned.Field), Length(data, 4), turned.Name, turned.AsksSourcePort);
                break;
            case "lookup":
                Lookup(data);
                break;
            case "immediate":
                Immediate(data);
                break;
            case "fib":
                Fib(data);
                break;
            case "exthdr":
                ExtensionHeader(data);
                break;
            case "rt" or "xfrm":
                Load(Number(data, 1), NftField.Opaque, 4, name);
                break;
            case "socket" or "tunnel":
                Load(Number(data, 2), NftField.Opaque, 4, name);
                break;
            case "osf":
                Load(Number(data, 1), NftField.Opaque, 4, name);
                break;
            case "hash":
                Hash(data);
                break;
            case "counter" or "last":
                Say(name);
                break;
            case "notrack":
                Say(name);
                _terms.Add(new NoteTerm("not tracked"));
                break;
            case "reject":
                Say(name);
                _verdict = RuleVerdict.Drop;
                break;
            case "masq" or "redir" or "nat":
                Say(name == "masq" ? "masquerade" : name == "redir" ? "redirect" : "nat");
                // NFTA_NAT_REG_ADDR_MIN to _REG_PROTO_MAX, NFTA_MASQ_REG_PROTO_MIN and _MAX, NFTA_REDIR_REG_PROTO_MIN and _MAX.
                foreach (var register in name == "nat" ? [3, 4, 5, 6] : name == "masq" ? [2, 3] : (ReadOnlySpan<ushort>)[1, 2])
                {
                    Written(data, register);
                }

                _verdict = RuleVerdict.Accept;
                break;
            case "numgen":
                Load(Number(data, 1), NftField.Opaque, 4, "numgen");
                Effect("numgen", "statistic: one packet is not like the next");
                break;
            case "limit":
                Effect(Limit(data), "limit");
                break;
            case "quota":
                Effect("quota", "quota");
                break;
            case "connlimit":
                Effect($"ct count {((Number(data, 2) & 1) != 0 ? "over " : "")}{Number(data, 1)}", "counts connections", firstOnly: true);
                break;
            case "log":
                Effect("log", "log");
                break;
            case "queue":
                Effect("queue", "queue");
                _verdict = RuleVerdict.Drop;
                break;
            case "dup" or "fwd":
                Effect(name, "copies or diverts packets");
                _verdict = name == "fwd" ? RuleVerdict.Drop : _verdict;
                break;
            case "tproxy":
                Effect(name, "diverts packets");
                break;
            case "synproxy":
                Effect(name, "SYN proxy", firstOnly: true);
                break;
            case "dynset":
                Say($"set update @{TextOf(data, 1)}");
                _terms.Add(new EffectTerm("set that packets fill") { Fills = TextOf(data, 1) });
                break;
            case "objref":
                ObjectReference(data);
                break;
            case "flow_offload":
                Effect("flow add", "offloads flows");
                break;
            case "match":
                Extension(data, target: false);
                break;
            case "target":
                Extension(data, target: true);
                break;
            default:
                Effect(name.Length == 0 ? "?" : name, "unknown");
                break;
        }
    }

    private void Payload(in NetlinkAttribute data)
    {
        uint destination = 0, location = 0, offset = 0, length = 0;
        var writes = false;
        foreach (var attribute in data.Nested)
        {
            switch (attribute.Type)
            {
                case 1:
                    destination = NftMessage.Number(attribute);
                    break;
                case 2:
                    location = NftMessage.Number(attribute);
                    break;
                case 3:
                    offset = NftMessage.Number(attribute);
                    break;
                case 4:
                    length = NftMessage.Number(attribute);
                    break;
                case 5:
                    writes = true;
                    break;
            }
        }

        if (writes)
        {
            Effect($"@{(location == 1 ? "nh" : location == 2 ? "th" : "ll")},{offset * 8},{length * 8} set", "rewrites the packet");
            return;
        }

        var (field, name) = (location, offset, length) switch
        {
            (1, 12, <= 4) => (NftField.Source, "ip saddr"),
            (1, 16, <= 4) => (NftField.Destination, "ip daddr"),
            (1, 12, 8) => (NftField.BothAddresses, "ip saddr . ip daddr"),
            (1, 9, 1) => (NftField.Protocol, "ip protocol"),
            (1, 1, 1) => (NftField.Varying, "ip dscp"),
            (1, 2, 2) => (NftField.Varying, "ip length"),
            (1, 8, 1) => (NftField.Varying, "ip ttl"),
            (1, _, _) => (NftField.Varying, $"@nh,{offset * 8},{length * 8}"),
            (2, 0, 2) => (NftField.SourcePort, "th sport"),
            (2, 2, 2) => (NftField.DestinationPort, "th dport"),
            (2, 0, 4) => (NftField.BothPorts, "th sport . th dport"),
            (2, 13, 1) => (NftField.TcpFlags, "tcp flags"),
            (2, 0 or 1, 1) => (NftField.Opaque, offset == 0 ? "icmp type" : "icmp code"),
            (0, 12, 2) => (NftField.EtherType, "ether type"),
            (0, _, _) => (NftField.Opaque, $"@ll,{offset * 8},{length * 8}"),
            _ => (NftField.Varying, $"payload at {offset}"),
        };
        // Of TCP, an octet of the source port is where ICMP has its type and code.
        Load(destination, field, (int)Math.Min(length, 64), name, asksSourcePort: location == 2 && offset < 2);
    }

    private void Meta(in NetlinkAttribute data)
    {
        uint destination = 0, key = uint.MaxValue;
        var writes = false;
        foreach (var attribute in data.Nested)
        {
            switch (attribute.Type)
            {
                case 1:
                    destination = NftMessage.Number(attribute);
                    break;
                case 2:
                    key = NftMessage.Number(attribute);
                    break;
                case 3:
                    writes = true;
                    break;
            }
        }

        if (writes)
        {
            Written(data, 3);
            switch (key)
            {
                case 3:
                    _terms.Add(new NoteTerm("mark"));
                    if (marksAreRead)
                    {
                        _terms.Add(new EffectTerm("mark that a qdisc or filter may read"));
                    }

                    Say("meta mark set");
                    break;
                case 2:
                    Effect("meta priority set", "classifies packets");
                    break;
                case 12:
                    Effect("meta nftrace set", "trace");
                    break;
                default:
                    Effect($"meta set {key}", "changes the packet");
                    break;
            }

            return;
        }

        // enum nft_meta_keys.
        DependsOnMore |= key is 4 or 5;
        var (field, length, name) = key switch
        {
            0 => (NftField.Varying, 4, "meta length"),
            1 => (NftField.NetworkProtocol, 2, "meta protocol"),
            3 => (NftField.Opaque, 4, "meta mark"),
            4 => (NftField.InIndex, 4, "iif"),
            5 => (NftField.OutIndex, 4, "oif"),
            6 => (NftField.InName, 16, "iifname"),
            7 => (NftField.OutName, 16, "oifname"),
            15 => (NftField.FamilyOfPacket, 1, "meta nfproto"),
            16 => (NftField.Protocol, 1, "meta l4proto"),
            24 => (NftField.Random, 4, "meta random"),
            30 or 31 or 32 => (NftField.Time, key == 30 ? 8 : 4, "time"),
            >= 8 and <= 19 or >= 21 and <= 29 or 33 or 34 => (NftField.Opaque, 4, $"meta {key}"),
            _ => (NftField.Varying, 4, $"meta {key}"),
        };
        Load(destination, field, length, name);
    }

    private void Conntrack(in NetlinkAttribute data)
    {
        const byte Original = 0, Reply = 1;
        uint destination = 0, key = uint.MaxValue;
        var writes = false;
        byte? direction = null;
        foreach (var attribute in data.Nested)
        {
            switch (attribute.Type)
            {
                case 1:
                    destination = NftMessage.Number(attribute);
                    break;
                case 2:
                    key = NftMessage.Number(attribute);
                    break;
                case 3 when attribute.Value.Length > 0:
                    direction = attribute.Value[0];
                    break;
                case 4:
                    writes = true;
                    break;
            }
        }

        if (writes)
        {
            Written(data, 4);
            _terms.Add(new NoteTerm($"ct {key}"));
            Effect($"ct set {key}", "notes something of a connection", firstOnly: true);
            return;
        }

        // enum nft_ct_keys.
        var (field, name) = key switch
        {
            0 => (NftField.State, "ct state"),
            5 => (NftField.Varying, "ct expiration"),
            14 or 15 or 16 => (NftField.Counted, key == 14 ? "ct packets" : key == 15 ? "ct bytes" : "ct avgpkt"),
            3 => (NftField.Opaque, "ct mark"),
            _ => (NftField.Opaque, $"ct {key}"),
        };
        // NFT_CT_PROTO_SRC, NFT_CT_PROTO_DST: the port of who asks is the source of the one direction and the destination of the other.
        Load(destination, field, 4, name, asksSourcePort: (key == 11 && direction is not Reply) || (key == 12 && direction is not Original));
    }

    private void Hash(in NetlinkAttribute data)
    {
        // NFTA_HASH_SREG, _DREG, _LEN, _TYPE. The symmetric one is the kernel's own of the flow.
        const uint Symmetric = 1;
        var isOfFlow = Number(data, 7) == Symmetric;
        var parts = isOfFlow ? [] : Key(Number(data, 1), Length(data, 3));
        var field = parts.Select(static part => Made(part.Field)).FirstOrDefault(IsUnsteady, NftField.Opaque);
        Load(Number(data, 2), field, 4, isOfFlow ? "symhash" : "jhash", isOfFlow || parts.Any(static part => part.AsksSourcePort));
    }

    /// <summary>What is written comes of a register: whether another packet of the flow, or another connection of the pair, would have it otherwise.</summary>
    /// <param name="type">Of the attribute that names the register.</param>
    private void Written(in NetlinkAttribute data, ushort type)
    {
        if (!Has(data, type))
        {
            return;
        }

        var source = At(Number(data, type));
        if (IsUnsteady(Made(source.Field)))
        {
            _terms.AddRange(Term(source with { Field = Made(source.Field) }, [], negated: false));
        }

        if (source.AsksSourcePort)
        {
            _terms.Add(new ConstantTerm(Passes: true) { AsksSourcePort = true });
        }
    }

    private void Fib(in NetlinkAttribute data)
    {
        // NFTA_FIB_DREG, _RESULT, _FLAGS: type of the destination address.
        const uint TypeOfAddress = 3, OfDestination = 2;
        var isType = Number(data, 2) == TypeOfAddress && (Number(data, 3) & OfDestination) != 0;
        Load(Number(data, 1), isType ? NftField.DestinationType : NftField.Opaque, 4, isType ? "fib daddr type" : "fib");
    }

    private void ExtensionHeader(in NetlinkAttribute data)
    {
        const uint Tcp = 1, MaximumSegmentSize = 2;
        var isTcp = Number(data, 6) == Tcp;
        var type = Octet(data, 2);
        if (Has(data, 7))
        {
            var clamps = isTcp && type == MaximumSegmentSize;
            Effect(clamps ? "tcp option maxseg size set" : "option set", clamps ? "MSS clamping" : "rewrites the packet", firstOnly: clamps);
            return;
        }

        if (Has(data, 1))
        {
            Load(Number(data, 1), isTcp ? NftField.Varying : NftField.Opaque, 4, isTcp ? "tcp option" : "exthdr");
        }
        else
        {
            // Without a place to put it: it takes the option away ("reset").
            Effect("reset tcp option", "rewrites the packet");
        }
    }

    private void ObjectReference(in NetlinkAttribute data)
    {
        // NFTA_OBJREF_IMM_TYPE: NFT_OBJECT_*; by a map where it is absent.
        const uint Counter = 1, Helper = 3, ConnectionLimit = 5, Timeout = 7, Expectation = 9, SynProxy = 10;
        switch (Has(data, 1) ? Number(data, 1) : 0)
        {
            case Counter:
                Say("counter");
                break;
            case Helper or Expectation:
                Effect("ct helper set", "conntrack helper", firstOnly: true);
                break;
            case Timeout:
                // The fast path keeps entries alive by the node's settings.
                Effect("ct timeout set", "timeout of its own");
                break;
            case ConnectionLimit:
                Effect("ct count", "counts connections", firstOnly: true);
                break;
            case SynProxy:
                Effect("synproxy", "SYN proxy", firstOnly: true);
                break;
            default:
                Effect("named object", "limit, quota or another object of the table");
                break;
        }
    }

    private void Extension(in NetlinkAttribute data, bool target)
    {
        var name = TextOf(data, 1);
        var revision = Number(data, 2);
        ReadOnlySpan<byte> information = [];
        foreach (var attribute in data.Nested)
        {
            if (attribute.Type == 3)
            {
                information = attribute.Value;
            }
        }

        var extension = target
            ? XtDecoder.Target(name, (int)revision, information, marksAreRead)
            : XtDecoder.Match(name, (int)revision, information);
        _terms.AddRange(extension.Terms);
        Say(extension.Text);
        if (target && extension.Verdict is { } verdict)
        {
            _verdict = verdict;
        }
    }

    private void Immediate(in NetlinkAttribute data)
    {
        uint destination = 0;
        NftVerdict? verdict = null;
        byte[]? value = null;
        foreach (var attribute in data.Nested)
        {
            if (attribute.Type == 1)
            {
                destination = NftMessage.Number(attribute);
            }
            else if (attribute.Type == 2)
            {
                (value, verdict) = NftMessage.ParseData(attribute);
            }
        }

        if (verdict is null)
        {
            Load(destination, NftField.Opaque, value?.Length ?? 0, "");
            return;
        }

        _verdict = VerdictOf(verdict);
        Say(TextOf(verdict));
    }

    private void Bitwise(in NetlinkAttribute data)
    {
        uint source = 0, other = 0, destination = 0, operation = 0;
        byte[]? mask = null, xor = null;
        foreach (var attribute in data.Nested)
        {
            switch (attribute.Type)
            {
                case 1:
                    source = NftMessage.Number(attribute);
                    break;
                case 2:
                    destination = NftMessage.Number(attribute);
                    break;
                case 4:
                    mask = NftMessage.ParseData(attribute).Value;
                    break;
                case 5:
                    xor = NftMessage.ParseData(attribute).Value;
                    break;
                case 6:
                    operation = NftMessage.Number(attribute);
                    break;
                case 8:
                    other = NftMessage.Number(attribute);
                    break;
            }
        }

        var (loaded, second) = (At(source), At(other));
        var made = IsUnsteady(Made(loaded.Field)) ? loaded.Field : second.Field;
        _registers[Place(destination)] = operation == 0 && mask is not null && loaded.Mask is null
            ? loaded with { Mask = mask, Xor = xor }
            : loaded with { Field = Made(made), AsksSourcePort = loaded.AsksSourcePort || second.AsksSourcePort };
    }

    private void Compare(in NetlinkAttribute data)
    {
        byte[] value = [];
        uint operation = 0, source = 0;
        foreach (var attribute in data.Nested)
        {
            switch (attribute.Type)
            {
                case 1:
                    source = NftMessage.Number(attribute);
                    break;
                case 2:
                    operation = NftMessage.Number(attribute);
                    break;
                case 3:
                    value = NftMessage.ParseData(attribute).Value ?? [];
                    break;
            }
        }

        var loaded = At(source);
        Say($"{loaded.Name}{s_operators[Math.Min(operation, 5)]}{Words(loaded, value)}");
        Add(loaded, operation switch
        {
            0 => (value, value, false),
            1 => (value, value, true),
            2 => (new byte[value.Length], NftIntervals.Before(value), false),
            3 => (new byte[value.Length], value, false),
            4 => (After(value), NftIntervals.Filled(value.Length), false),
            _ => (value, NftIntervals.Filled(value.Length), false),
        });
    }

    private static readonly string[] s_operators = [" ", " != ", " < ", " <= ", " > ", " >= "];

    private void Range(in NetlinkAttribute data)
    {
        byte[] first = [], last = [];
        uint operation = 0, source = 0;
        foreach (var attribute in data.Nested)
        {
            switch (attribute.Type)
            {
                case 1:
                    source = NftMessage.Number(attribute);
                    break;
                case 2:
                    operation = NftMessage.Number(attribute);
                    break;
                case 3:
                    first = NftMessage.ParseData(attribute).Value ?? [];
                    break;
                case 4:
                    last = NftMessage.ParseData(attribute).Value ?? [];
                    break;
            }
        }

        var loaded = At(source);
        Say($"{loaded.Name}{(operation == 0 ? " " : " != ")}{Words(loaded, first)}-{Words(loaded, last)}");
        Add(loaded, (first, last, operation != 0));
    }

    /// <summary>A register between two values, or not.</summary>
    private void Add(Loaded loaded, (byte[] First, byte[] Last, bool Negated) range)
    {
        _terms.AddRange(Term(loaded, [(range.First, range.Last)], range.Negated));
    }

    /// <summary>What passes where a register is in one of these ranges, or in none.</summary>
    private ImmutableArray<RuleTerm> Term(Loaded loaded, IReadOnlyList<(byte[] First, byte[] Last)> ranges, bool negated)
    {
        switch (loaded.Field)
        {
            case NftField.Source or NftField.Destination:
                return Addresses(loaded, ranges) is { } addresses
                    ? [new FieldTerm(loaded.Field == NftField.Source ? PacketField.Source : PacketField.Destination, negated ? IntervalSet.AllAddresses.Except(addresses) : addresses)]
                    : [new OpaqueTerm(loaded.Name)];
            case NftField.SourcePort or NftField.DestinationPort when loaded.Mask is null && ranges.All(static range => range is { First.Length: >= 2, Last.Length: >= 2 }):
                var ports = IntervalSet.Of(ranges.Select(static range => new Interval(Big16(range.First), Big16(range.Last))));
                return [Port(loaded.Field == NftField.SourcePort ? PacketField.SourcePort : PacketField.DestinationPort, negated ? IntervalSet.AllPorts.Except(ports) : ports)];
            case NftField.Protocol:
                return [Protocol(Domain([1, 6, 17], loaded, ranges, negated))];
            case NftField.BothAddresses when loaded.Mask is null && !negated && ranges is [{ First.Length: >= 8 } only] && only.First.AsSpan().SequenceEqual(only.Last):
                return
                [
                    new FieldTerm(PacketField.Source, IntervalSet.Of(Big32(only.First), Big32(only.First))),
                    new FieldTerm(PacketField.Destination, IntervalSet.Of(Big32(only.First.AsSpan(4)), Big32(only.First.AsSpan(4)))),
                ];
            case NftField.BothPorts when loaded.Mask is null && !negated && ranges is [{ First.Length: >= 4 } only] && only.First.AsSpan().SequenceEqual(only.Last):
                return
                [
                    Port(PacketField.SourcePort, IntervalSet.Of(Big16(only.First), Big16(only.First))),
                    Port(PacketField.DestinationPort, IntervalSet.Of(Big16(only.First.AsSpan(2)), Big16(only.First.AsSpan(2)))),
                ];
            case NftField.State:
                var states = ConnectionStates.None;
                foreach (var state in (ReadOnlySpan<ConnectionStates>)[ConnectionStates.Invalid, ConnectionStates.Established, ConnectionStates.Related, ConnectionStates.New, ConnectionStates.Untracked])
                {
                    states |= Holds(Host32((uint)state), loaded, ranges) != negated ? state : ConnectionStates.None;
                }

                return [new StateTerm(states)];
            case NftField.TcpFlags:
                var (mask, xor) = (loaded.Mask, loaded.Xor);
                return
                [
                    new TcpFlagsTerm(
                        flags => Holds([flags], loaded with { Mask = mask, Xor = xor }, ranges) != negated,
                        $"{Hex(mask)}/{Hex(xor)}/{string.Join(",", ranges.Select(static range => $"{Hex(range.First)}-{Hex(range.Last)}"))}/{negated}") { OfAnyProtocol = true },
                ];
            case NftField.InName or NftField.OutName or NftField.InIndex or NftField.OutIndex when loaded.Mask is null && Devices(loaded.Field, ranges, negated) is { } devices:
                var incoming = loaded.Field is NftField.InName or NftField.InIndex;
                return devices is [var device] ? [new DeviceTerm(incoming, device)]
                    : negated ? [.. devices.Select(pattern => new DeviceTerm(incoming, pattern))]
                    : [new DevicesTerm(incoming, devices)];
            case NftField.FamilyOfPacket:
                return [new ConstantTerm(Holds([NftProtocol.NFPROTO_IPV4], loaded, ranges) != negated)];
            case NftField.NetworkProtocol or NftField.EtherType:
                return [new ConstantTerm(Holds([0x08, 0x00], loaded, ranges) != negated)];
            case NftField.DestinationType:
                // RTN_LOCAL, in the machine's byte order.
                return ranges.All(static range => range.First.AsSpan().SequenceEqual(range.Last))
                    ? Holds(Host32(2), loaded, ranges) ? [new LocalDestinationTerm(negated)] : [new OpaqueTerm(loaded.Name)]
                    : [new OpaqueTerm(loaded.Name)];
            case NftField.Varying:
                return [new VaryingTerm(loaded.Name) { AsksSourcePort = loaded.AsksSourcePort }];
            case NftField.Random:
                return [new EffectTerm("statistic: one packet is not like the next")];
            case NftField.Time:
                return [new EffectTerm("time of day")];
            case NftField.Counted:
                return [new EffectTerm("counts a connection's bytes")];
            default:
                return [new OpaqueTerm(loaded.Name) { AsksSourcePort = loaded.AsksSourcePort }];
        }
    }

    private static FieldTerm Port(PacketField field, IntervalSet ports) => new(field, ports) { OfAnyProtocol = true };

    /// <summary>The devices that ranges of names or numbers stand for; null where that cannot be told.</summary>
    private ImmutableArray<DevicePattern>? Devices(NftField field, IReadOnlyList<(byte[] First, byte[] Last)> ranges, bool negated)
    {
        var devices = ImmutableArray.CreateBuilder<DevicePattern>(ranges.Count);
        foreach (var (first, last) in ranges)
        {
            var isOne = first.AsSpan().SequenceEqual(last);
            if (field is NftField.InIndex or NftField.OutIndex)
            {
                if (!isOne || first.Length < 4)
                {
                    return null;
                }

                devices.Add(new DevicePattern(deviceName(BitConverter.ToUInt32(first)), IsPrefix: false, negated));
                continue;
            }

            // All names that begin with some letters are a range in an interval set.
            var begun = first.AsSpan().TrimEnd((byte)0);
            if (!isOne && !(last.Length == first.Length && last.AsSpan().StartsWith(begun) && !last.AsSpan(begun.Length).ContainsAnyExcept((byte)0xff)))
            {
                return null;
            }

            devices.Add(isOne ? Pattern(first, negated) : new DevicePattern(Encoding.UTF8.GetString(begun), IsPrefix: true, negated));
        }

        return devices.ToImmutable();
    }

    private void Lookup(in NetlinkAttribute data)
    {
        // NFTA_LOOKUP_SET, _SREG, _DREG, _SET_ID, _FLAGS.
        const uint Inverted = 1;
        var name = TextOf(data, 1);
        var source = Number(data, 2);
        var negated = (Number(data, 5) & Inverted) != 0;
        sets.TryGetValue(name, out var set);
        var contents = set is null ? null : elements(set);
        if (set is { IsConstant: true } && contents is { IsWhole: true })
        {
            _constantSets.Add(set);
        }
        else
        {
            DependsOnMore = true;
        }

        var found = set is not null && contents is { IsWhole: true } ? NftIntervals.Of(contents.Elements, set.HasEnds) : null;
        var key = set is null ? [At(source)] : Key(source, set.KeyLength);
        var words = string.Join(" . ", key.Select(static part => part.Name));
        var stateful = Stateful([.. set?.Stateful ?? [], .. contents?.Elements.SelectMany(static element => element.Stateful) ?? []]);
        // What the set is, is part of what the rule means; it may be another one of the same name.
        _hash.Append(Encoding.UTF8.GetBytes($"{set?.Flags} {set?.KeyLength} {string.Join(' ', stateful)}"));
        foreach (var part in key.Where(static part => IsUnsteady(part.Field)))
        {
            _terms.AddRange(Term(part, [], negated: false));
        }

        var look = new SetTerm(name, set?.IsVolatile ?? true, negated)
        {
            Key = words,
            IsFilledByPackets = set?.IsFilledByPackets ?? true,
            AsksSourcePort = key.Any(static part => part.AsksSourcePort),
            Finders = (first, last) => Terms(key, first, last),
        };
        if (Has(data, 3) && set?.IsVerdictMap == true)
        {
            Say($"{words} vmap @{name}");
            _terms.Add(look with { IsMap = true });
            if (found is null)
            {
                _terms.Add(new EffectTerm("map that could not be read"));
            }
            else
            {
                _verdict = new RuleVerdict(VerdictKind.Map) { Entries = Entries(key, found) };
            }

            return;
        }

        if (Has(data, 3))
        {
            // A map from the packet to a value: what is compared next is as constant as the key.
            Say($"{words} map @{name}");
            var field = key.Select(static part => Made(part.Field)).FirstOrDefault(IsUnsteady, NftField.Opaque);
            Load(Number(data, 3), field, 16, $"map @{name}", look.AsksSourcePort);
            _terms.Add(look with { IsNegated = true });
            _terms.AddRange(stateful.Select(Effect));
            return;
        }

        Say($"{words}{(negated ? " !=" : "")} {(set?.IsAnonymous == true && found is not null ? "{ " + string.Join(", ", found.Take(8).Select(one => one.IsCatchAll ? "*" : Words(key[0], one.Key))) + " }" : "@" + name)}");
        if (set is { IsVolatile: false } && found is not null && key is [var single])
        {
            // Its elements are part of what the rule means; that they change is heard, of a set that has a name.
            var elementsOf = InSet(single, found, negated);
            _terms.AddRange(set.IsAnonymous ? elementsOf : [look with { IsMap = true }, .. elementsOf.Select(term => term with { OfSet = name })]);
        }
        else
        {
            _terms.Add(look);
        }

        _terms.AddRange(stateful.Select(Effect));
    }

    /// <summary>What is in one of these elements, or in none.</summary>
    private ImmutableArray<RuleTerm> InSet(Loaded loaded, IReadOnlyList<NftElement> found, bool negated) =>
        // What matches all the rest: in a set that is asked for what it has not, kernels differ.
        found.Any(static element => element.IsCatchAll) ? negated ? [new OpaqueTerm("*")] : [new ConstantTerm(Passes: true)]
        : Term(loaded, [.. found.Select(static element => (element.Key, element.KeyEnd!))], negated);

    /// <summary>Where a map leads to. Its keys are apart, so their order is free: it is one that another element does not change for the others.</summary>
    private ImmutableArray<(ImmutableArray<RuleTerm> Terms, RuleVerdict Verdict)> Entries(List<Loaded> key, IReadOnlyList<NftElement> found)
    {
        var leading = found.Where(static element => element.Verdict is not null && !element.IsCatchAll);
        var entries = ImmutableArray.CreateBuilder<(ImmutableArray<RuleTerm> Terms, RuleVerdict Verdict)>();
        if (key is [{ Mask: null, Field: NftField.Source or NftField.Destination or NftField.SourcePort or NftField.DestinationPort or NftField.Protocol } single])
        {
            // Thousands of keys lead to few chains; one by one, each would be taken from what the others left.
            foreach (var group in leading
                .GroupBy(static element => (element.Verdict!.Code, Chain: element.Verdict.Chain ?? "", Stateful: string.Join(' ', Stateful(element.Stateful))))
                .OrderBy(static group => group.Key.Chain, StringComparer.Ordinal).ThenBy(static group => group.Key.Code).ThenBy(static group => group.Key.Stateful, StringComparer.Ordinal))
            {
                entries.Add(Entry(InSet(single, [.. group], negated: false), group.First()));
            }
        }
        else
        {
            entries.AddRange(leading.Select(element => Entry([.. Terms(key, element.Key, element.KeyEnd!)], element)));
        }

        entries.AddRange(found.Where(static element => element.Verdict is not null && element.IsCatchAll).Select(static element => Entry([], element)));
        return entries.ToImmutable();

        static (ImmutableArray<RuleTerm>, RuleVerdict) Entry(ImmutableArray<RuleTerm> terms, NftElement element) =>
            ([.. terms, .. Stateful(element.Stateful).Select(Effect)], VerdictOf(element.Verdict!));
    }

    /// <summary>What elements have of their own that does more than count.</summary>
    private static IEnumerable<string> Stateful(ImmutableArray<string> names) =>
        names.Where(static name => name is not ("counter" or "last" or "")).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);

    private static EffectTerm Effect(string ofElements) =>
        ofElements == "connlimit" ? new EffectTerm("counts connections", FirstPacketsOnly: true) : new EffectTerm(ofElements);

    /// <summary>One by one: what asks for addresses comes first, since it tells most packets apart.</summary>
    private IEnumerable<RuleTerm> Terms(List<Loaded> key, byte[] first, byte[] last)
    {
        // Where it is said which protocol it is, ports are ports.
        const int Addresses = 0, Protocols = 1, Others = 2;
        for (var kind = Addresses; kind <= Others; kind++)
        {
            var offset = 0;
            foreach (var part in key)
            {
                if (offset + part.Length > Math.Min(first.Length, last.Length))
                {
                    if (kind == Others)
                    {
                        yield return new OpaqueTerm(part.Name);
                    }

                    break;
                }

                if (Kind(part.Field) == kind)
                {
                    foreach (var term in Term(part, [(first.AsSpan(offset, part.Length).ToArray(), last.AsSpan(offset, part.Length).ToArray())], negated: false))
                    {
                        yield return term;
                    }
                }

                offset += part.Length + 3 & ~3;
            }
        }

        static int Kind(NftField field) => field switch
        {
            NftField.Source or NftField.Destination => Addresses,
            NftField.Protocol => Protocols,
            _ => Others,
        };
    }

    /// <summary>The registers that a key of this length is made of.</summary>
    private List<Loaded> Key(uint source, int length)
    {
        var key = new List<Loaded>();
        var place = Place(source);
        for (var at = 0; at < length;)
        {
            var part = _registers.GetValueOrDefault(place + (uint)(at / 4)) ?? new Loaded(NftField.Opaque, 4, "?");
            key.Add(part);
            at += Math.Max(part.Length + 3 & ~3, 4);
        }

        return key.Count == 0 ? [At(source)] : key;
    }

    private static bool IsUnsteady(NftField field) => field is NftField.Varying or NftField.Random or NftField.Time or NftField.Counted;

    /// <summary>What a value made of the field is.</summary>
    private static NftField Made(NftField field) => field == NftField.TcpFlags ? NftField.Varying : IsUnsteady(field) ? field : NftField.Opaque;

    private void Load(uint register, NftField field, int length, string name, bool asksSourcePort = false) =>
        _registers[Place(register)] = new Loaded(field, length, name) is var loaded && asksSourcePort ? loaded with { AsksSourcePort = true } : loaded;

    private Loaded At(uint register) => _registers.GetValueOrDefault(Place(register)) ?? new Loaded(NftField.Opaque, 4, "?");

    /// <summary>Registers are of 16 octets (1 to 4) or of four (8 to 23) and lie over each other.</summary>
    private static uint Place(uint register) => register is >= 1 and <= 4 ? register * 4 : register >= 8 ? register - 8 + 4 : register;

    private void Effect(string text, string what, bool firstOnly = false)
    {
        Say(text);
        _terms.Add(new EffectTerm(what, firstOnly));
    }

    private void Say(string text) => _text.Append(text).Append(' ');

    private static RuleVerdict VerdictOf(NftVerdict verdict) => verdict.Code switch
    {
        NftProtocol.NFT_CONTINUE or NftProtocol.NFT_BREAK => RuleVerdict.Continue,
        NftProtocol.NFT_JUMP => new RuleVerdict(VerdictKind.Jump, verdict.Chain ?? ""),
        NftProtocol.NFT_GOTO => new RuleVerdict(VerdictKind.Goto, verdict.Chain ?? ""),
        NftProtocol.NFT_RETURN => RuleVerdict.Return,
        _ => (verdict.Code & NftProtocol.NF_VERDICT_MASK) == NftProtocol.NF_ACCEPT ? RuleVerdict.Accept : RuleVerdict.Drop,
    };

    private static string TextOf(NftVerdict verdict) => verdict.Code switch
    {
        NftProtocol.NFT_CONTINUE => "continue",
        NftProtocol.NFT_BREAK => "break",
        NftProtocol.NFT_JUMP => $"jump {verdict.Chain}",
        NftProtocol.NFT_GOTO => $"goto {verdict.Chain}",
        NftProtocol.NFT_RETURN => "return",
        _ => (verdict.Code & NftProtocol.NF_VERDICT_MASK) == NftProtocol.NF_ACCEPT ? "accept" : "drop",
    };

    private static string Limit(in NetlinkAttribute data)
    {
        ulong rate = 0, unit = 0;
        foreach (var attribute in data.Nested)
        {
            if (attribute.Value.Length >= sizeof(ulong) && attribute.Type is 1 or 2)
            {
                var value = attribute.Value.Length >= sizeof(ulong) ? BinaryPrimitives.ReadUInt64BigEndian(attribute.Value) : 0;
                (rate, unit) = attribute.Type == 1 ? (value, unit) : (rate, value);
            }
        }

        var over = (Number(data, 5) & 1) != 0 ? "over " : "";
        var bytes = Number(data, 4) == 1 ? " bytes" : "";
        var per = unit switch
        {
            1 => "second",
            60 => "minute",
            3600 => "hour",
            86400 => "day",
            604800 => "week",
            _ => string.Create(CultureInfo.InvariantCulture, $"{unit} s"),
        };
        return string.Create(CultureInfo.InvariantCulture, $"limit rate {over}{rate}{bytes}/{per}");
    }

    private static FieldTerm Protocol(IntervalSet values) =>
        values.Intervals is [var only] && only.First == only.Last ? s_protocols.GetValueOrDefault(only.First) ?? new FieldTerm(PacketField.Protocol, values) : new FieldTerm(PacketField.Protocol, values);

    private static readonly Dictionary<uint, FieldTerm> s_protocols =
        new uint[] { PacketClass.Icmp, PacketClass.Tcp, PacketClass.Udp }.ToDictionary(static number => number, static number => new FieldTerm(PacketField.Protocol, IntervalSet.Of(number, number)));

    private static IntervalSet? Addresses(Loaded loaded, IReadOnlyList<(byte[] First, byte[] Last)> ranges)
    {
        var intervals = new List<Interval>();
        foreach (var (first, last) in ranges)
        {
            if (loaded.Xor is { } xor && xor.AsSpan().ContainsAnyExcept((byte)0))
            {
                return null;
            }

            // A prefix: by fewer octets, or by a mask of ones and then zeros.
            var (low, high) = (Padded(first, loaded.Length, 0), Padded(last, loaded.Length, 0xff));
            if (loaded.Mask is { } mask)
            {
                var bits = Padded(mask, loaded.Length, 0);
                if ((~bits & (~bits + 1)) != 0 || low != Padded(last, loaded.Length, 0))
                {
                    return null;
                }

                if ((low & ~bits) != 0)
                {
                    // No masked address has bits there.
                    continue;
                }

                (low, high) = (low & bits, low | ~bits);
            }

            intervals.Add(new Interval(low, high));
        }

        return IntervalSet.Of(intervals);
    }

    private static uint Padded(byte[] octets, int length, byte rest)
    {
        Span<byte> address = [rest, rest, rest, rest];
        octets.AsSpan(0, Math.Min(Math.Min(octets.Length, length), 4)).CopyTo(address);
        return BinaryPrimitives.ReadUInt32BigEndian(address);
    }

    private static IntervalSet Domain(ReadOnlySpan<byte> values, Loaded loaded, IReadOnlyList<(byte[] First, byte[] Last)> ranges, bool negated)
    {
        var passing = new List<Interval>();
        foreach (var value in values)
        {
            if (Holds([value], loaded, ranges) != negated)
            {
                passing.Add(new Interval(value, value));
            }
        }

        return passing is [var only] ? IntervalSet.Of(only.First, only.Last) : IntervalSet.Of(passing);
    }

    /// <summary>Whether a value, masked as the register is, lies in one of the ranges.</summary>
    private static bool Holds(byte[] value, Loaded loaded, IReadOnlyList<(byte[] First, byte[] Last)> ranges)
    {
        var seen = new byte[value.Length];
        for (var i = 0; i < value.Length; i++)
        {
            seen[i] = (byte)(value[i] & (loaded.Mask is { } mask && i < mask.Length ? mask[i] : 0xff) ^ (loaded.Xor is { } xor && i < xor.Length ? xor[i] : 0));
        }

        foreach (var (first, last) in ranges)
        {
            if (seen.AsSpan().SequenceCompareTo(first.AsSpan(0, Math.Min(first.Length, seen.Length))) >= 0
                && seen.AsSpan().SequenceCompareTo(last.AsSpan(0, Math.Min(last.Length, seen.Length))) <= 0)
            {
                return true;
            }
        }

        return false;
    }

    private static DevicePattern Pattern(byte[] name, bool negated)
    {
        // A name ends with a zero; a prefix has none.
        var end = Array.IndexOf(name, (byte)0);
        return new DevicePattern(Encoding.UTF8.GetString(name, 0, end < 0 ? name.Length : end), IsPrefix: end < 0, negated);
    }

    private string Words(Loaded loaded, byte[] value) => loaded.Field switch
    {
        NftField.Source or NftField.Destination when value.Length > 0 =>
            $"{new Ipv4Address(Padded(value, loaded.Length, 0))}{(loaded.Mask is { } mask ? $"/{System.Numerics.BitOperations.PopCount(Padded(mask, loaded.Length, 0))}" : loaded.Length < 4 ? $"/{loaded.Length * 8}" : "")}",
        NftField.SourcePort or NftField.DestinationPort when value.Length >= 2 => Big16(value).ToString(CultureInfo.InvariantCulture),
        NftField.Protocol when value.Length > 0 => value[0] switch
        {
            1 => "icmp",
            6 => "tcp",
            17 => "udp",
            var other => other.ToString(CultureInfo.InvariantCulture),
        },
        NftField.InName or NftField.OutName => $"\"{Pattern(value, negated: false)}\"",
        NftField.InIndex or NftField.OutIndex when value.Length >= 4 => $"\"{deviceName(BitConverter.ToUInt32(value))}\"",
        NftField.State when loaded.Mask is { Length: >= 4 } mask => ((ConnectionStates)BitConverter.ToUInt32(mask)).ToString().ToLowerInvariant(),
        _ => $"0x{Convert.ToHexStringLower(value)}",
    };

    private static byte[] After(byte[] value)
    {
        var result = value.ToArray();
        for (var i = result.Length - 1; i >= 0 && ++result[i] == 0; i--)
        {
        }

        return result;
    }

    private static byte[] Host32(uint value) => BitConverter.GetBytes(value);

    private static uint Big16(ReadOnlySpan<byte> value) => BinaryPrimitives.ReadUInt16BigEndian(value);

    private static uint Big32(ReadOnlySpan<byte> value) => BinaryPrimitives.ReadUInt32BigEndian(value);

    private static string Hex(byte[]? value) => value is null ? "" : Convert.ToHexStringLower(value);

    private static uint Number(in NetlinkAttribute data, ushort type)
    {
        foreach (var attribute in data.Nested)
        {
            if (attribute.Type == type)
            {
                return NftMessage.Number(attribute);
            }
        }

        return 0;
    }

    private static int Length(in NetlinkAttribute data, ushort type) => (int)Math.Min(Number(data, type), 64);

    private static byte Octet(in NetlinkAttribute data, ushort type)
    {
        foreach (var attribute in data.Nested)
        {
            if (attribute.Type == type && attribute.Value.Length > 0)
            {
                return attribute.Value[0];
            }
        }

        return 0;
    }

    private static bool Has(in NetlinkAttribute data, ushort type)
    {
        foreach (var attribute in data.Nested)
        {
            if (attribute.Type == type)
            {
                return true;
            }
        }

        return false;
    }

    private static string TextOf(in NetlinkAttribute data, ushort type)
    {
        foreach (var attribute in data.Nested)
        {
            if (attribute.Type == type)
            {
                return attribute.Text;
            }
        }

        return "";
    }
}

/// <summary>What a register of nf_tables holds of a packet.</summary>
internal enum NftField
{
    /// <summary>The same for all packets of a flow.</summary>
    Opaque,

    /// <summary>May differ from packet to packet.</summary>
    Varying,
    Source,
    Destination,
    BothAddresses,
    SourcePort,
    DestinationPort,
    BothPorts,
    Protocol,
    State,
    TcpFlags,
    InName,
    OutName,
    InIndex,
    OutIndex,
    FamilyOfPacket,
    NetworkProtocol,
    EtherType,
    DestinationType,
    Random,
    Time,
    Counted,
}
