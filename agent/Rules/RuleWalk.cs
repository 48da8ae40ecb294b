using System.Collections.Immutable;

namespace OnCache.Agent.Rules;

/// <summary>
/// Follows the packets that the fast path spares through the node's rules, and notes each rule that they may meet whose word a cached
/// verdict does not carry. Pure. Packets are followed as sets; where a rule cannot be told apart by what a set knows, all of it goes both
/// ways, so a region may be too wide and never too narrow.
/// </summary>
internal sealed class RuleWalk
{
    /// <summary>Rules met, the same rule by other packets counted again. More is not followed: all flows then stay on the CNI's path.</summary>
    public const int MostSteps = 200_000;

    // As deep as nf_tables lets chains jump (NFT_JUMP_STACK_SIZE); legacy iptables knows no end.
    private const int MostJumps = 16;

    private readonly HostTable _table;
    private readonly DeviceRoles _devices;
    private readonly ImmutableArray<RuleRegion>.Builder _regions = ImmutableArray.CreateBuilder<RuleRegion>();
    private readonly HashSet<RuleRegion> _known = [];
    private readonly List<RuleEncounter> _ofFlows = [];
    private readonly List<RuleEncounter> _ofFirstPackets = [];
    private readonly HashSet<SetEncounter> _sets = [];
    private readonly HashSet<string> _flowChains = new(StringComparer.Ordinal);
    private readonly HashSet<string> _filled;
    private int _steps;
    private WalkContext _context;
    private bool _first;
    private ConnectionStates? _states;

    private RuleWalk(HostTable table, DeviceRoles devices)
    {
        (_table, _devices) = (table, devices);
        // Any set with a timeout takes what packets add, whether it says so or not.
        _filled = table.Chains.Values.SelectMany(static chain => chain.Rules).SelectMany(static rule => rule.Terms).OfType<EffectTerm>()
            .Select(static effect => effect.Fills).OfType<string>().ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>What the rules keep off the fast path, and all that they would say to its packets.</summary>
    /// <param name="outer">The tunnel's own packets, outward and inward; null where there is no tunnel.</param>
    public static WalkResult Through(HostTable table, DeviceRoles devices, (PacketClass Out, PacketClass In)? outer)
    {
        var walk = new RuleWalk(table, devices);
        try
        {
            foreach (var hook in table.Hooks)
            {
                foreach (var (way, podDevice) in Passing(hook, devices))
                {
                    walk.Follow(hook, way, podDevice, outer);
                }
            }
        }
        catch (RulesTooManyException many)
        {
            return Through(table with { Unreadable = many.Message }, devices, outer);
        }

        return new WalkResult(walk._regions.ToImmutable(), [.. walk._ofFlows], [.. walk._ofFirstPackets], [.. walk._sets], [.. walk._flowChains]);
    }

    private void Follow(HostHook hook, PacketWay way, DevicePattern? podDevice, (PacketClass Out, PacketClass In)? outer)
    {
        _context = new WalkContext(_devices, hook.Stage);
        _states = hook.States;
        if (way is PacketWay.OuterIn or PacketWay.OuterOut)
        {
            // Conntrack never sees an answer to a tunnel packet, so each may be new to it.
            if (outer is { } packets && !hook.IsNat)
            {
                _first = false;
                var states = ConnectionStates.New | ConnectionStates.Established | ConnectionStates.Untracked;
                Start(hook, (way == PacketWay.OuterOut ? packets.Out : packets.In) with { Way = way, States = States(states) });
            }

            return;
        }

        var inner = new PacketClass { Way = way, PodDevices = podDevice is { } device ? [device] : [] };
        if (!hook.IsNat)
        {
            _first = false;
            Start(hook, inner with { States = States(ConnectionStates.Established) });
        }

        // A connection that may begin on the fast path is TCP's.
        _first = true;
        Start(hook, inner with { States = States(ConnectionStates.New), Protocols = IntervalSet.Of(PacketClass.Tcp, PacketClass.Tcp) });
    }

    /// <summary>Which packets pass a hook; of the hook of a device on the pods' side, by which device.</summary>
    private static IEnumerable<(PacketWay Way, DevicePattern? PodDevice)> Passing(HostHook hook, DeviceRoles devices)
    {
        if (hook.Device is not { } device)
        {
            foreach (var way in hook.Ways)
            {
                yield return (way, null);
            }

            yield break;
        }

        var (isTunnel, isNic) = (devices.Tunnels.Any(device.Matches), devices.Nics.Any(device.Matches));
        if (isTunnel)
        {
            yield return (hook.DeviceReceives ? PacketWay.ToPod : PacketWay.FromPod, null);
        }

        // What the NIC sends passes its hook on the fast path, too.
        if (isNic && hook.DeviceReceives)
        {
            yield return (PacketWay.OuterIn, null);
        }

        if (device.IsPrefix || (!isTunnel && !isNic && !devices.OtherDevices.Contains(device.Name)))
        {
            yield return (hook.DeviceReceives ? PacketWay.FromPod : PacketWay.ToPod, device);
        }
    }

    private ConnectionStates States(ConnectionStates usual) => _states ?? usual;

    private void Start(HostHook hook, PacketClass packets)
    {
        if (_table.Unreadable is { } problem)
        {
            _regions.Add(new RuleRegion(packets, _first ? RegionReach.ShortConnections : RegionReach.Flows, problem, _table.Name, "rules that are not read"));
            return;
        }

        _ = Chain(hook.Chain, packets, depth: 0);
    }

    /// <summary>Follows packets through a chain.</summary>
    /// <returns>Those that come out at its end, or return; null for none.</returns>
    private PacketClass? Chain(string name, PacketClass packets, int depth)
    {
        if (depth > MostJumps)
        {
            throw new RulesTooManyException($"chains are nested more than {MostJumps} deep");
        }

        if (!_table.Chains.TryGetValue(name, out var chain))
        {
            return packets;
        }

        if (!_first)
        {
            _ = _flowChains.Add(name);
        }

        PacketClass? rest = packets;
        var returned = false;
        foreach (var rule in chain.Rules)
        {
            if (rest is null)
            {
                break;
            }

            rest = Rule(chain, rule, rest, depth, ref returned);
        }

        // Who returned goes on in the caller; as sets cannot be added, all that came in does.
        return returned ? packets : rest;
    }

    /// <returns>The packets that go on to the next rule; null for none.</returns>
    private PacketClass? Rule(HostChain chain, HostRule rule, PacketClass packets, int depth, ref bool returned)
    {
        if (++_steps > MostSteps)
        {
            throw new RulesTooManyException($"packets meet rules more than {MostSteps} times");
        }

        if (_first)
        {
            PickedUp(chain, rule, rule.Terms, packets, rule.Verdict);
        }

        if (!TryNarrow(chain, rule, rule.Terms, packets, rule.Verdict, out var matching, out var exact, out var varying))
        {
            return packets;
        }

        Note(rule, chain, matching);
        Varying(chain, rule, rule.Verdict, matching, varying);
        return Decide(chain, rule, rule.Verdict, packets, matching, exact, depth, ref returned);
    }

    /// <summary>A verdict, or a mark, that depends on what differs from packet to packet is no flow's.</summary>
    private void Varying(HostChain chain, HostRule rule, RuleVerdict verdict, PacketClass matching, string? varying)
    {
        if (_first && !matching.SourcePorts.Equals(IntervalSet.AllPorts))
        {
            // The next connection of the pair has another one.
            varying ??= "source port";
        }

        if (varying is not null && (verdict.Kind != VerdictKind.Continue || rule.Terms.Any(static term => term is NoteTerm)))
        {
            Region(chain, rule, matching, varying);
        }
    }

    /// <summary>
    /// A connection that began on the fast path is new to conntrack whenever one of its later segments comes this way: a rule that tells SYNs from
    /// those has to see the SYN.
    /// </summary>
    private void PickedUp(HostChain chain, HostRule rule, ImmutableArray<RuleTerm> terms, PacketClass packets, RuleVerdict verdict)
    {
        if (verdict.Kind == VerdictKind.Continue || !terms.Any(static term => term is TcpFlagsTerm { TellsFirstPackets: true }))
        {
            return;
        }

        PacketClass? met = packets;
        foreach (var term in terms)
        {
            if (met is not null && term is not TcpFlagsTerm { TellsFirstPackets: true })
            {
                met = term.Narrow(met, _context with { OfFirstPackets = _first }, out _);
            }
        }

        if (met is not null)
        {
            Region(chain, rule, met, "TCP flags");
        }
    }

    private PacketClass? Decide(
        HostChain chain, HostRule rule, RuleVerdict verdict, PacketClass packets, PacketClass matching, bool exact, int depth, ref bool returned)
    {
        switch (verdict.Kind)
        {
            case VerdictKind.Accept:
            case VerdictKind.Drop:
                return exact ? Without(packets, matching) : packets;
            case VerdictKind.Return:
                returned = true;
                return exact ? Without(packets, matching) : packets;
            case VerdictKind.Goto:
                // What comes out of it goes on in the caller, as after a return.
                returned |= Chain(verdict.Target!, matching, depth + 1) is not null;
                return exact ? Without(packets, matching) : packets;
            case VerdictKind.Jump:
                return Chain(verdict.Target!, matching, depth + 1) is null && exact ? Without(packets, matching) : packets;
            case VerdictKind.Map:
                PacketClass? unfound = matching;
                foreach (var entry in verdict.Entries)
                {
                    if (_first && unfound is not null)
                    {
                        PickedUp(chain, rule, entry.Terms, unfound, entry.Verdict);
                    }

                    if (unfound is not null && TryNarrow(chain, rule, entry.Terms, unfound, entry.Verdict, out var chosen, out var only, out var varying))
                    {
                        Varying(chain, rule, entry.Verdict, chosen, varying);
                        unfound = Decide(chain, rule, entry.Verdict, unfound, chosen, only, depth, ref returned);
                    }
                }

                return exact && packets.Equals(matching) ? unfound : packets;
            default:
                return packets;
        }
    }

    private bool TryNarrow(
        HostChain chain,
        HostRule rule,
        ImmutableArray<RuleTerm> terms,
        PacketClass packets,
        RuleVerdict verdict,
        out PacketClass matching,
        out bool exact,
        out string? varying)
    {
        matching = packets;
        exact = true;
        varying = null;
        foreach (var term in terms)
        {
            if (term.Narrow(matching, _context with { OfFirstPackets = _first }, out var all) is not { } narrowed)
            {
                return false;
            }

            matching = narrowed;
            exact &= all;
            if (_first && term.AsksSourcePort)
            {
                varying ??= "source port";
            }

            switch (term)
            {
                case EffectTerm effect when _first || !effect.FirstPacketsOnly:
                    Region(chain, rule, matching, effect.What);
                    break;
                case VaryingTerm { What: var what }:
                    varying ??= what;
                    break;
                case TcpFlagsTerm flags when !_first && flags.Varies(matching):
                    varying ??= "TCP flags";
                    break;
                case SetTerm set:
                    _sets.Add(new SetEncounter(set, matching, _first));
                    // What only ever denies may end unheard; that it begins is heard, unless packets begin it.
                    if (set.IsFilledByPackets || _filled.Contains(set.Set) || (set.IsVolatile && (verdict.Kind != VerdictKind.Drop || set.IsNegated)))
                    {
                        Region(chain, rule, matching, "set whose elements come or go unheard");
                    }

                    break;
            }
        }

        return true;
    }

    private void Note(HostRule rule, HostChain chain, PacketClass packets)
    {
        (_first ? _ofFirstPackets : _ofFlows).Add(new RuleEncounter(packets, rule.Fingerprint, chain.Where, rule.Text));
    }

    private void Region(HostChain chain, HostRule rule, PacketClass packets, string reason)
    {
        var region = new RuleRegion(packets, _first ? RegionReach.ShortConnections : RegionReach.Flows, rule.Text, chain.Where, reason);
        if (_known.Add(region))
        {
            _regions.Add(region);
        }
    }

    private sealed class RulesTooManyException(string message) : Exception(message);

    /// <summary>Packets of the one class that are not of the other, where that is a class; else all of them.</summary>
    internal static PacketClass? Without(PacketClass packets, PacketClass gone)
    {
        if (packets.Equals(gone))
        {
            return null;
        }

        if (!packets.PodDevices.SequenceEqual(gone.PodDevices))
        {
            return packets;
        }

        var differing = 0;
        var rest = packets;
        if (packets.States != gone.States)
        {
            differing++;
            rest = packets with { States = packets.States & ~gone.States };
        }

        if (!packets.Protocols.Equals(gone.Protocols))
        {
            differing++;
            rest = packets with { Protocols = packets.Protocols.Except(gone.Protocols) };
        }

        if (!packets.Sources.Equals(gone.Sources))
        {
            differing++;
            rest = packets with { Sources = packets.Sources.Except(gone.Sources) };
        }

        if (!packets.Destinations.Equals(gone.Destinations))
        {
            differing++;
            rest = packets with { Destinations = packets.Destinations.Except(gone.Destinations) };
        }

        if (!packets.SourcePorts.Equals(gone.SourcePorts))
        {
            differing++;
            rest = packets with { SourcePorts = packets.SourcePorts.Except(gone.SourcePorts) };
        }

        if (!packets.DestinationPorts.Equals(gone.DestinationPorts))
        {
            differing++;
            rest = packets with { DestinationPorts = packets.DestinationPorts.Except(gone.DestinationPorts) };
        }

        return differing == 1 ? rest : packets;
    }
}

/// <summary>What a walk found.</summary>
/// <param name="Regions">What stays on the CNI's path.</param>
/// <param name="OfFlows">The rules that packets of flows meet, in order.</param>
/// <param name="OfFirstPackets">The rules that packets meet that begin a connection.</param>
/// <param name="Sets">The sets that are looked into.</param>
/// <param name="FlowChains">The chains that packets of flows meet.</param>
internal sealed record WalkResult(
    ImmutableArray<RuleRegion> Regions,
    ImmutableArray<RuleEncounter> OfFlows,
    ImmutableArray<RuleEncounter> OfFirstPackets,
    ImmutableArray<SetEncounter> Sets,
    ImmutableArray<string> FlowChains)
{
    public static WalkResult Nothing { get; } = new([], [], [], [], []);
}

