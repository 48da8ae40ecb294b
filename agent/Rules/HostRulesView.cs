using System.Collections.Immutable;

namespace OnCache.Agent.Rules;

/// <summary>
/// What the rules of a node mean for the fast path, and what of it is otherwise than before. Immutable; a table that is as it was, is not
/// followed again.
/// </summary>
internal sealed class HostRulesView
{
    private readonly ImmutableDictionary<string, (HostTable Table, WalkResult Walk)> _walks;
    private readonly string _places;
    private readonly long _version;

    private HostRulesView(ImmutableDictionary<string, (HostTable Table, WalkResult Walk)> walks, string places, long version) =>
        (_walks, _places, _version) = (walks, places, version);

    public static HostRulesView Empty { get; } =
        new(ImmutableDictionary<string, (HostTable Table, WalkResult Walk)>.Empty.WithComparers(StringComparer.Ordinal), "", 0);

    /// <summary>What stays on the CNI's path, in the order of the tables' names.</summary>
    public IEnumerable<RuleRegion> Regions => _walks.OrderBy(static pair => pair.Key, StringComparer.Ordinal).SelectMany(static pair => pair.Value.Walk.Regions);

    /// <summary>Which events can concern packets of the fast path.</summary>
    public HostRulesAttention Attention => new(
        [.. _walks.SelectMany(static pair => pair.Value.Walk.FlowChains.Select(chain => (pair.Key, chain)))],
        [.. _walks.SelectMany(static pair => pair.Value.Walk.Sets.Where(static set => !IsIpSet(set.Look) && !set.FirstPacketsOnly).Select(set => (pair.Key, set.Look.Set)))],
        [.. _walks.SelectMany(static pair => pair.Value.Walk.Sets.Where(static set => !IsIpSet(set.Look)).Select(set => (pair.Key, set.Look.Set)))],
        [.. _walks.Values.SelectMany(static one => one.Walk.Sets.Where(static set => IsIpSet(set.Look)).Select(static set => set.Look.Set))])
    {
        Version = _version,
    };

    /// <summary>The view of other rules, or of the same ones with devices elsewhere.</summary>
    /// <param name="outer">The tunnel's own packets, outward and inward; null where there is no tunnel.</param>
    /// <param name="sets">Elements that came or went.</param>
    public (HostRulesView View, ImmutableArray<RuleEncounter> Changed) Next(
        HostRulesState state, ImmutableArray<SetChange> sets, DeviceRoles devices, (PacketClass Out, PacketClass In)? outer)
    {
        var places = string.Join('|', string.Join(',', devices.Tunnels), string.Join(',', devices.Nics), string.Join(',', devices.OtherDevices.Order(StringComparer.Ordinal)), outer?.GetHashCode());
        var moved = !string.Equals(places, _places, StringComparison.Ordinal);
        var walks = ImmutableDictionary.CreateBuilder<string, (HostTable Table, WalkResult Walk)>(StringComparer.Ordinal);
        var changed = ImmutableArray.CreateBuilder<RuleEncounter>();
        foreach (var (name, table) in state.Tables)
        {
            var isKnown = _walks.TryGetValue(name, out var before);
            if (isKnown && !moved && ReferenceEquals(before.Table, table))
            {
                walks[name] = before;
                continue;
            }

            var walk = RuleWalk.Through(table, devices, outer);
            walks[name] = (table, walk);
            // Where devices moved, their own events flush what hangs on them.
            changed.AddRange(Difference(isKnown ? before.Walk : WalkResult.Nothing, walk));
        }

        foreach (var (name, before) in _walks)
        {
            if (!state.Tables.ContainsKey(name))
            {
                changed.AddRange(Difference(before.Walk, WalkResult.Nothing));
            }
        }

        var view = new HostRulesView(walks.ToImmutable(), places, state.Version);
        changed.AddRange(sets.SelectMany(view.Finding));
        return (view, changed.ToImmutable());
    }

    /// <summary>Who finds the elements that came or went.</summary>
    private IEnumerable<RuleEncounter> Finding(SetChange change)
    {
        foreach (var (name, (_, walk)) in _walks)
        {
            if (change.Table is not null && !string.Equals(change.Table, name, StringComparison.Ordinal))
            {
                continue;
            }

            foreach (var look in walk.Sets.Where(look => string.Equals(look.Look.Set, change.Set, StringComparison.Ordinal)))
            {
                foreach (var packets in Finding(change, look))
                {
                    yield return new RuleEncounter(packets, 0, $"table {name}", $"elements of {change.Set}");
                }
            }
        }
    }

    private static IEnumerable<PacketClass> Finding(SetChange change, SetEncounter look)
    {
        if (change.IsUnknown)
        {
            return [look.Packets];
        }

        if (change.Table is null)
        {
            var addresses = IntervalSet.Of(change.Addresses);
            // Which side of the packet it is looked up by, the set does not tell.
            return
            [
                .. ((IReadOnlyList<PacketClass>)
                    [
                        look.Packets with { Sources = look.Packets.Sources.Intersect(addresses) },
                        look.Packets with { Destinations = look.Packets.Destinations.Intersect(addresses) },
                    ]).Where(static packets => !packets.IsEmpty),
            ];
        }

        return change.Keys.Select(key => look.Look.Finders is { } finders ? Narrowed(look.Packets, finders(key)) : look.Packets).OfType<PacketClass>();
    }

    private static PacketClass? Narrowed(PacketClass packets, IReadOnlyList<RuleTerm> terms)
    {
        PacketClass? rest = packets;
        foreach (var term in terms)
        {
            rest = rest is null ? null : term.Narrow(rest, new WalkContext(DeviceRoles.Unknown, HookStage.Between), out _);
        }

        return rest;
    }

    /// <summary>The rules that packets meet now and did not before, or the other way round, or in another order.</summary>
    private static IEnumerable<RuleEncounter> Difference(WalkResult before, WalkResult after)
    {
        var (old, present) = (before.OfFlows, after.OfFlows);
        var first = 0;
        while (first < old.Length && first < present.Length && Same(old[first], present[first]))
        {
            first++;
        }

        var last = 0;
        while (last < old.Length - first && last < present.Length - first && Same(old[^(last + 1)], present[^(last + 1)]))
        {
            last++;
        }

        for (var i = first; i < present.Length - last; i++)
        {
            yield return present[i];
        }

        for (var i = first; i < old.Length - last; i++)
        {
            yield return old[i];
        }

        // Which backend a connection gets is decided in no order that matters to pods by their own addresses.
        var counts = new Dictionary<(ulong, PacketClass), int>();
        foreach (var rule in after.OfFirstPackets)
        {
            counts[(rule.Fingerprint, rule.Packets)] = counts.GetValueOrDefault((rule.Fingerprint, rule.Packets)) + 1;
        }

        foreach (var rule in before.OfFirstPackets)
        {
            counts[(rule.Fingerprint, rule.Packets)] = counts.GetValueOrDefault((rule.Fingerprint, rule.Packets)) - 1;
        }

        foreach (var rule in after.OfFirstPackets.Concat(before.OfFirstPackets))
        {
            if (counts.GetValueOrDefault((rule.Fingerprint, rule.Packets)) != 0)
            {
                yield return rule;
            }
        }
    }

    private static bool Same(RuleEncounter one, RuleEncounter other) => one.Fingerprint == other.Fingerprint && one.Packets.Equals(other.Packets);

    private static bool IsIpSet(SetTerm term) => term.Set.StartsWith("ipset ", StringComparison.Ordinal);
}
