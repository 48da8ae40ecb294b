using System.Collections.Immutable;

using FsCheck;
using FsCheck.Fluent;

using OnCache.Agent.Net.Netfilter;
using OnCache.Agent.Rules;

namespace OnCache.Agent.Tests.Rules;

/// <summary>What holds whatever the rules are.</summary>
public sealed class RuleProperties
{
    private static readonly Gen<RuleTerm> Terms = Gen.OneOf(
        Gen.Elements<RuleTerm>(
            new StateTerm(ConnectionStates.Established | ConnectionStates.Related),
            new StateTerm(ConnectionStates.New),
            new OpaqueTerm("mark"),
            new VaryingTerm("length"),
            new EffectTerm("limit"),
            new EffectTerm("counts connections", FirstPacketsOnly: true),
            new DeviceTerm(Incoming: true, new DevicePattern("cni0", false, false)),
            new DeviceTerm(Incoming: false, new DevicePattern("flannel.1", false, false)),
            new LocalDestinationTerm(false)),
        from field in Gen.Elements(PacketField.Source, PacketField.Destination)
        from last in Gen.Choose(0, 255)
        select (RuleTerm)new FieldTerm(field, IntervalSet.Of(0x0af40100, 0x0af40200 + (uint)last)),
        from field in Gen.Elements(PacketField.SourcePort, PacketField.DestinationPort)
        from port in Gen.Choose(0, 65535)
        select (RuleTerm)new FieldTerm(field, IntervalSet.Of((uint)port / 2, (uint)port)),
        from protocol in Gen.Elements<uint>(1, 6, 17)
        select (RuleTerm)new FieldTerm(PacketField.Protocol, IntervalSet.Of(protocol, protocol)));

    private static readonly Gen<HostRule> RulesAtAll =
        from terms in Terms.ListOf(3)
        from verdict in Gen.Elements(RuleVerdict.Continue, RuleVerdict.Accept, RuleVerdict.Drop, RuleVerdict.Return, new RuleVerdict(VerdictKind.Jump, "other"), new RuleVerdict(VerdictKind.Goto, "other"))
        from number in Gen.Choose(0, int.MaxValue)
        select new HostRule($"rule {number}", [.. terms], verdict) { Fingerprint = (ulong)number };

    private static readonly Arbitrary<(HostRule[] Main, HostRule[] Other, HostRule Added, int At)> Tables = (
        from main in RulesAtAll.ArrayOf(5)
        from other in RulesAtAll.ArrayOf(3)
        from added in RulesAtAll
        from at in Gen.Choose(0, 5)
        select (main, other, added, at)).ToArbitrary();

    /// <summary>
    /// A rule that ends nothing takes nothing away, wherever it is added; nor does any rule at the end. One that accepts in front of a limit does,
    /// as in the kernel: what it accepts never meets the limit.
    /// </summary>
    [Fact]
    public void Adding_a_rule_never_widens_what_is_accelerated() => Prop.ForAll(Tables, static tables =>
    {
        var (main, other, added, at) = tables;
        var before = Kept(main, other);
        var passing = added with { Verdict = RuleVerdict.Continue };

        before.ShouldBeSubsetOf(Kept([.. main[..at], passing, .. main[at..]], other));
        before.ShouldBeSubsetOf(Kept([.. main, added], other));
    }).QuickCheckThrowOnFailure();

    /// <summary>The same question asked of one packet and of all: what meets an effect alone lies in a region.</summary>
    [Fact]
    public void No_packet_that_meets_an_effect_is_outside_of_all_regions() => Prop.ForAll(Tables, static tables =>
    {
        var (main, other, _, at) = tables;
        var regions = RuleWalk.Through(Table(main, other), NodeRules.Devices, null).Regions;
        foreach (var protocol in (uint[])[1, 6, 17])
        {
            var port = (uint)(at * 13_001 % 65_536);
            var packet = new PacketClass
            {
                Way = PacketWay.FromPod,
                States = ConnectionStates.Established,
                Protocols = IntervalSet.Of(protocol, protocol),
                Sources = IntervalSet.Of(0x0af40105, 0x0af40105),
                Destinations = IntervalSet.Of(0x0af40209, 0x0af40209),
                SourcePorts = IntervalSet.Of(port, port),
                DestinationPorts = IntervalSet.Of(port / 3, port / 3),
            };
            if (MeetsEffect(main, other, packet, 0) == Meeting.Effect)
            {
                regions.ShouldContain(region => region.Scope == RegionReach.Flows && region.Packets.Way == PacketWay.FromPod
                    && region.Packets.Protocols.Contains(protocol) && region.Packets.Sources.Contains(0x0af40105) && region.Packets.Destinations.Contains(0x0af40209)
                    && region.Packets.SourcePorts.Contains(port) && region.Packets.DestinationPorts.Contains(port / 3));
            }
        }
    }).QuickCheckThrowOnFailure();

    private static readonly Arbitrary<byte[]> Garbage = Gen.OneOf(
        Gen.Choose(0, 255).Select(static value => (byte)value).ArrayOf(200),
        // What has the form of attributes gets further.
        from parts in (from type in Gen.Choose(0, 12)
                       from name in Gen.Elements("payload", "meta", "cmp", "bitwise", "lookup", "immediate", "limit", "match", "target", "ct", "range", "exthdr", "objref", "fib", "nonsense")
                       from value in Gen.Choose(0, 255).Select(static value => (byte)value).ArrayOf(24)
                       select Expression(name, (ushort)type, value)).ListOf(6)
        select parts.SelectMany(static part => part).ToArray()).ToArbitrary();

    [Fact]
    public void Arbitrary_expressions_crash_nothing_and_what_is_unknown_is_slow() => Prop.ForAll(Garbage, static octets =>
    {
        var decoder = new NftDecoder(new Dictionary<string, NftSet>(StringComparer.Ordinal), static _ => null, static index => $"if{index}", marksAreRead: false);
        var rule = decoder.Decode(new NftRule(2, "t", "c", 1, octets, []));
        _ = NftDecoder.Fingerprint(octets);
        _ = RuleWalk.Through(Table([rule], []), NodeRules.Devices, NodeRules.Outer);
        if (rule.Text.Contains("nonsense", StringComparison.Ordinal))
        {
            rule.Terms.OfType<EffectTerm>().ShouldContain(static effect => effect.What == "unknown");
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Arbitrary_legacy_tables_crash_nothing() => Prop.ForAll(Garbage, static octets =>
    {
        Dictionary<ulong, HostRule> known = [];
        _ = RuleWalk.Through(LegacyTables.Build("filter", [0, 0, 0, 0, 0], octets, marksAreRead: false, ref known), NodeRules.Devices, NodeRules.Outer);
        foreach (var name in (string[])["tcp", "udp", "multiport", "conntrack", "state", "addrtype", "iprange", "set", "connlimit", "icmp", "nobody"])
        {
            _ = XtDecoder.Match(name, 1, octets);
            _ = XtDecoder.Target(name, 1, octets, marksAreRead: true);
        }
    }).QuickCheckThrowOnFailure();

    private static IReadOnlyList<string> Kept(IEnumerable<HostRule> main, IEnumerable<HostRule> other) =>
    [
        .. RegionPlan.Of(RuleWalk.Through(Table(main, other), NodeRules.Devices, null).Regions, [NodeRules.Pod], NodeRules.Peers).Impacts
            .Select(static impact => $"{impact.Region.Scope} {impact.Region.Rule} {impact.Region.Reason}"),
    ];

    private static HostTable Table(IEnumerable<HostRule> main, IEnumerable<HostRule> other) => new(
        "ip t",
        [new HostHook("main", [PacketWay.FromPod, PacketWay.ToPod], HookStage.Between)],
        ImmutableDictionary<string, HostChain>.Empty.WithComparers(StringComparer.Ordinal)
            .Add("main", new HostChain("main", [.. main]))
            // The kernel lets no chain come back to itself.
            .Add("other", new HostChain("other", [.. other.Select(Straight)])));

    private static HostRule Straight(HostRule rule) => rule.Verdict.Target is null ? rule : rule with { Verdict = RuleVerdict.Continue };

    private enum Meeting
    {
        Nothing,
        Ended,
        Effect,
    }

    /// <summary>One packet, rule by rule, as the kernel does it; what is not known of it passes.</summary>
    private static Meeting MeetsEffect(HostRule[] chain, HostRule[] other, PacketClass packet, int depth)
    {
        foreach (var rule in chain)
        {
            var matches = true;
            foreach (var term in rule.Terms)
            {
                if (term is EffectTerm { FirstPacketsOnly: false })
                {
                    return Meeting.Effect;
                }

                if (term is FieldTerm or StateTerm or LocalDestinationTerm or DeviceTerm { Incoming: false } && term.Narrow(packet, new WalkContext(NodeRules.Devices, HookStage.Between), out _) is null)
                {
                    matches = false;
                    break;
                }
            }

            if (!matches)
            {
                continue;
            }

            switch (rule.Verdict.Kind)
            {
                case VerdictKind.Accept or VerdictKind.Drop:
                    return Meeting.Ended;
                case VerdictKind.Return:
                    return Meeting.Nothing;
                case VerdictKind.Jump or VerdictKind.Goto when depth < 8:
                    var below = MeetsEffect([.. other.Select(Straight)], [], packet, depth + 1);
                    if (below != Meeting.Nothing)
                    {
                        return below;
                    }

                    if (rule.Verdict.Kind == VerdictKind.Goto)
                    {
                        return Meeting.Nothing;
                    }

                    break;
            }
        }

        return Meeting.Nothing;
    }

    private static byte[] Expression(string name, ushort type, byte[] value)
    {
        byte[] inner = [.. Attribute(1, System.Text.Encoding.ASCII.GetBytes(name + "\0")), .. Attribute(2, [.. Attribute(type, value), .. Attribute((ushort)(type + 1), value[..8]), .. Attribute(3, [0, 0, 0, 4])])];
        return Attribute(1, inner);
    }

    private static byte[] Attribute(ushort type, byte[] value)
    {
        var length = 4 + value.Length;
        var octets = new byte[length + 3 & ~3];
        BitConverter.GetBytes((ushort)length).CopyTo(octets, 0);
        BitConverter.GetBytes(type).CopyTo(octets, 2);
        value.CopyTo(octets, 4);
        return octets;
    }
}
