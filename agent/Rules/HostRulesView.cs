using System.Collections.Immutable;

using OnCache.Agent.Net.Netfilter;
using OnCache.Api;

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

    /// <summary>The same, which knows as well whose elements can concern anybody.</summary>
    /// <param name="ends">Addresses between which there may be flows; null for any.</param>
    public HostRulesAttention AttentionOf(IntervalSet? ends)
    {
        var looks = new Lazy<ILookup<(string Table, string Set), SetEncounter>>(() =>
            _walks.SelectMany(static pair => pair.Value.Walk.Sets.Select(look => (Place: (IsIpSet(look.Look) ? "" : pair.Key, look.Look.Set), Look: look))).ToLookup(static one => one.Place, static one => one.Look));
        // Where there are no flows of such packets, there are none of fewer of them.
        bool MayConcern(PacketClass packets) => ends is null || packets.Way is PacketWay.OuterOut or PacketWay.OuterIn
            || (packets.Sources.Overlaps(ends) && packets.Destinations.Overlaps(ends));
        return Attention with
        {
            Audience = (ends, _places),
            Finders = change => Finders(change, looks.Value[(change.Table ?? "", change.Set)], MayConcern),
        };
    }

    private static (bool Any, bool Flows) Finders(SetChange change, IEnumerable<SetEncounter> looks, Func<PacketClass, bool> mayConcern)
    {
        var any = false;
        foreach (var look in looks)
        {
            if (any && look.FirstPacketsOnly)
            {
                continue;
            }

            var isFound = Finding(change, look, mayConcern).Any(mayConcern);
            if (isFound && !look.FirstPacketsOnly)
            {
                return (true, true);
            }

            any |= isFound;
        }

        return (any, false);
    }

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
            changed.AddRange(isKnown ? Difference(before, (table, walk), devices, outer) : Difference(WalkResult.Nothing, walk));
        }

        foreach (var (name, before) in _walks)
        {
            if (!state.Tables.ContainsKey(name))
            {
                changed.AddRange(Difference(before.Walk, WalkResult.Nothing));
            }
        }

        var view = new HostRulesView(walks.ToImmutable(), places, state.Version);
        changed.AddRange(Together(sets).SelectMany(view.Finding));
        return (view, changed.ToImmutable());
    }

    /// <summary>
    /// A set that has become too large to be part of what rules mean, or small enough: what came or went is told of the set itself, so that rules are
    /// compared as if it had been too large before and after.
    /// </summary>
    private static IEnumerable<RuleEncounter> Difference(
        (HostTable Table, WalkResult Walk) before, (HostTable Table, WalkResult Walk) after, DeviceRoles devices, (PacketClass Out, PacketClass In)? outer)
    {
        var (old, present) = (SetsOf(before.Table), SetsOf(after.Table));
        var otherwise = present.Where(set => old.TryGetValue(set.Key, out var wasRead) && wasRead != set.Value).Select(static set => set.Key).ToHashSet(StringComparer.Ordinal);
        return otherwise.Count == 0 ? Difference(before.Walk, after.Walk)
            : Difference(RuleWalk.Through(Unread(before.Table, otherwise), devices, outer), RuleWalk.Through(Unread(after.Table, otherwise), devices, outer));
    }

    /// <summary>The sets that a table's rules look into, and whether their elements are part of what the rules mean.</summary>
    private static Dictionary<string, bool> SetsOf(HostTable table)
    {
        var sets = new Dictionary<string, bool>(StringComparer.Ordinal);
        foreach (var term in table.Chains.Values.SelectMany(static chain => chain.Rules).SelectMany(static rule => rule.Terms))
        {
            if (term is SetTerm set)
            {
                _ = sets.TryAdd(set.Set, false);
            }
            else if (term.OfSet is { } read)
            {
                sets[read] = true;
            }
        }

        return sets;
    }

    private static HostTable Unread(HostTable table, HashSet<string> sets) => table with
    {
        Chains = table.Chains.ToImmutableDictionary(
            static pair => pair.Key,
            pair => pair.Value with { Rules = [.. pair.Value.Rules.Select(rule => rule.Terms.Any(term => term.OfSet is { } set && sets.Contains(set)) ? Unread(rule, sets) : rule)] },
            StringComparer.Ordinal),
    };

    private static HostRule Unread(HostRule rule, HashSet<string> sets) => rule with
    {
        Terms = [.. rule.Terms.Where(term => term.OfSet is not { } set || !sets.Contains(set)).Select(term => term is SetTerm look && sets.Contains(look.Set) ? look with { IsMap = false } : term)],
    };

    /// <summary>What came to a set as one change, and what went as another: the ends of an interval come in events of their own.</summary>
    private static IEnumerable<SetChange> Together(ImmutableArray<SetChange> changes) =>
        changes.GroupBy(static change => (change.Table, change.Set, change.IsRemoval, change.HasEnds)).Select(static group =>
        {
            var elements = NftIntervals.OfEvents(group.SelectMany(static change => change.Elements), group.Key.HasEnds);
            return group.First() with
            {
                Elements = [.. elements ?? []],
                Addresses = [.. group.SelectMany(static change => change.Addresses)],
                IsUnknown = elements is null || group.Any(static change => change.IsUnknown),
            };
        });

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
                foreach (var packets in Finding(change, look, static _ => true))
                {
                    yield return new RuleEncounter(packets, 0, Excerpt.Printable($"table {name}"), Excerpt.Printable($"elements of {change.Set}"));
                }
            }
        }
    }

    /// <param name="mayConcern">Others need not be told of, nor looked for to the end.</param>
    private static IEnumerable<PacketClass> Finding(SetChange change, SetEncounter look, Func<PacketClass, bool> mayConcern)
    {
        if (change.IsUnknown)
        {
            return [look.Packets];
        }

        if (change.Table is null)
        {
            // Many with one address are found by one class of packets.
            var single = IntervalSet.Of(change.Addresses.Where(static found => found.Other is null).Select(static found => found.One));
            return
            [
                .. change.Addresses.Where(static found => found.Other is not null)
                    .Select(static found => (One: IntervalSet.Of([found.One]), Other: (IntervalSet?)IntervalSet.Of([found.Other!.Value])))
                    .Append((single, null))
                    .SelectMany(found => Sides(look, found.One, found.Other))
                    .Where(static packets => !packets.IsEmpty),
            ];
        }

        return change.Elements.Select(element => Finding(element, look, mayConcern)).OfType<PacketClass>();
    }

    /// <summary>The packets that find elements of an ipset, by the sides that the rule looks them up by; by either where it does not tell.</summary>
    private static IEnumerable<PacketClass> Sides(SetEncounter look, IntervalSet one, IntervalSet? other)
    {
        foreach (var isSource in look.Look.BySource is { } sides ? (bool[])[sides.First] : [false, true])
        {
            var found = Side(look.Packets, isSource, one);
            yield return other is not null && look.Look.BySource is { } known ? Side(found, known.Last, other) : found;
        }
    }

    private static PacketClass Side(PacketClass packets, bool isSource, IntervalSet addresses) => isSource
        ? packets with { Sources = packets.Sources.Intersect(addresses) }
        : packets with { Destinations = packets.Destinations.Intersect(addresses) };

    private static PacketClass? Finding(NftElement element, SetEncounter look, Func<PacketClass, bool> mayConcern)
    {
        if (element.IsCatchAll || look.Look.Finders is not { } finders)
        {
            return look.Packets;
        }

        PacketClass? rest = mayConcern(look.Packets) ? look.Packets : null;
        foreach (var term in finders(element.Key, element.KeyEnd ?? element.Key))
        {
            rest = rest is null ? null : term.Narrow(rest, new WalkContext(DeviceRoles.Unknown, HookStage.Between, look.FirstPacketsOnly), out _);
            if (rest is null || !mayConcern(rest))
            {
                return null;
            }
        }

        return rest;
    }

    /// <summary>
    /// The rules that packets meet now and did not before, or the other way round, or in another order; of a rule that others meet now, those
    /// packets that met it once and not the other time.
    /// </summary>
    private static IEnumerable<RuleEncounter> Difference(WalkResult before, WalkResult after)
    {
        foreach (var rule in InOrder(before.OfFlows, after.OfFlows))
        {
            yield return rule;
        }

        // Which backend a connection gets is decided in no order that matters to pods by their own addresses.
        var (old, present) = Unpaired(before.OfFirstPackets, after.OfFirstPackets);
        var (gone, come) = (Without(old, present), Without(present, old));
        foreach (var fingerprint in gone.Keys.Union(come.Keys))
        {
            var (once, now) = (gone.GetValueOrDefault(fingerprint) ?? [], come.GetValueOrDefault(fingerprint) ?? []);
            var both = Math.Min(once.Count, now.Count);
            foreach (var rule in once.Zip(now).SelectMany(static pair => Others(pair.First, pair.Second)).Concat(once.Skip(both)).Concat(now.Skip(both)))
            {
                yield return rule;
            }
        }
    }

    /// <summary>
    /// Rule by rule, what is in one walk and not at its place in the other. Packets that are of none of it meet the same rules in the same order,
    /// whichever places are taken for the same.
    /// </summary>
    private static IEnumerable<RuleEncounter> InOrder(ImmutableArray<RuleEncounter> before, ImmutableArray<RuleEncounter> after)
    {
        Dictionary<(ulong, string, PacketWay), int[]>? ofBefore = null, ofAfter = null;
        int i = 0, j = 0;
        while (i < before.Length && j < after.Length)
        {
            if (Place(before[i]) == Place(after[j]))
            {
                foreach (var other in Others(before[i++], after[j++]))
                {
                    yield return other;
                }

                continue;
            }

            ofBefore ??= Places(before);
            ofAfter ??= Places(after);
            // Whichever of the two comes up sooner in the other walk.
            var (untilGone, untilCome) = (Next(ofBefore, Place(after[j]), i), Next(ofAfter, Place(before[i]), j)) switch
            {
                (null, null) => (i + 1, j + 1),
                ({ } gone, { } come) => gone - i <= come - j ? (gone, j) : (i, come),
                var (gone, come) => (gone ?? i, come ?? j),
            };

            for (; i < untilGone; i++)
            {
                yield return before[i];
            }

            for (; j < untilCome; j++)
            {
                yield return after[j];
            }
        }

        for (; i < before.Length; i++)
        {
            yield return before[i];
        }

        for (; j < after.Length; j++)
        {
            yield return after[j];
        }

        // In another chain a verdict ends something else.
        static (ulong, string, PacketWay) Place(RuleEncounter rule) => (rule.Fingerprint, rule.Where, rule.Packets.Way);

        static Dictionary<(ulong, string, PacketWay), int[]> Places(ImmutableArray<RuleEncounter> rules) =>
            Enumerable.Range(0, rules.Length).GroupBy(at => Place(rules[at])).ToDictionary(static places => places.Key, static places => places.ToArray());

        static int? Next(Dictionary<(ulong, string, PacketWay), int[]> places, (ulong, string, PacketWay) place, int from) =>
            places.GetValueOrDefault(place, []) is var found && Array.BinarySearch(found, from) is var at && (at < 0 ? ~at : at) is var next && next < found.Length ? found[next] : null;
    }

    /// <summary>
    /// What is left of two walks when the same encounters are taken from both. Nearly all of the thousands that a service proxy has are the same and in
    /// the same order: they need no counting. A few that are the same may be left in both.
    /// </summary>
    private static (ImmutableArray<RuleEncounter> Before, ImmutableArray<RuleEncounter> After) Unpaired(ImmutableArray<RuleEncounter> before, ImmutableArray<RuleEncounter> after)
    {
        // As many rules as come or go in one place, usually.
        const int Far = 64;
        var (old, present) = (ImmutableArray.CreateBuilder<RuleEncounter>(), ImmutableArray.CreateBuilder<RuleEncounter>());
        var (i, j) = (0, 0);
        while (i < before.Length && j < after.Length)
        {
            var far = 0;
            while (far < Far && !IsAt(i + far, j) && !IsAt(i, j + far))
            {
                far++;
            }

            // Found behind some that one of the two has not, or not at all.
            var (ofBefore, ofAfter) = far == Far ? (1, 1) : IsAt(i + far, j) ? (far, 0) : (0, far);
            old.AddRange(before.AsSpan(i, ofBefore));
            present.AddRange(after.AsSpan(j, ofAfter));
            (i, j) = (i + ofBefore, j + ofAfter);
            if (far < Far)
            {
                (i, j) = (i + 1, j + 1);
            }
        }

        old.AddRange(before.AsSpan(i, before.Length - i));
        present.AddRange(after.AsSpan(j, after.Length - j));
        return (old.ToImmutable(), present.ToImmutable());

        bool IsAt(int ofBefore, int ofAfter) => ofBefore < before.Length && ofAfter < after.Length
            && before[ofBefore].Fingerprint == after[ofAfter].Fingerprint && before[ofBefore].Packets.Equals(after[ofAfter].Packets);
    }

    /// <summary>The encounters of one walk that the other has not, as often as it has them more often, by the rule.</summary>
    private static Dictionary<ulong, List<RuleEncounter>> Without(ImmutableArray<RuleEncounter> encounters, ImmutableArray<RuleEncounter> others)
    {
        var counts = new Dictionary<(ulong, PacketClass), int>();
        foreach (var other in others)
        {
            counts[(other.Fingerprint, other.Packets)] = counts.GetValueOrDefault((other.Fingerprint, other.Packets)) + 1;
        }

        var rest = new Dictionary<ulong, List<RuleEncounter>>();
        foreach (var rule in encounters)
        {
            if (counts.GetValueOrDefault((rule.Fingerprint, rule.Packets)) is > 0 and var left)
            {
                counts[(rule.Fingerprint, rule.Packets)] = left - 1;
                continue;
            }

            if (!rest.TryGetValue(rule.Fingerprint, out var ofRule))
            {
                rest[rule.Fingerprint] = ofRule = [];
            }

            ofRule.Add(rule);
        }

        return rest;
    }

    /// <summary>Of packets that met a rule before and those that meet it now, the ones that are not both.</summary>
    private static IEnumerable<RuleEncounter> Others(RuleEncounter before, RuleEncounter now)
    {
        if (before.Packets.Equals(now.Packets))
        {
            yield break;
        }

        if (Without(now.Packets, before.Packets) is { } come)
        {
            yield return now with { Packets = come };
        }

        if (Without(before.Packets, now.Packets) is { } gone)
        {
            yield return before with { Packets = gone };
        }
    }

    private static PacketClass? Without(PacketClass packets, PacketClass gone) =>
        packets.Way != gone.Way ? packets : RuleWalk.Without(packets, gone) is { IsEmpty: false } rest ? rest : null;

    private static bool IsIpSet(SetTerm term) => term.Set.StartsWith("ipset ", StringComparison.Ordinal);
}
