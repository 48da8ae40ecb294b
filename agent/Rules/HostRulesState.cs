using System.Collections.Immutable;
using System.Diagnostics;

using OnCache.Agent.Net.Netfilter;

namespace OnCache.Agent.Rules;

/// <summary>The rules of a node as they were last read.</summary>
/// <param name="Tables">By name.</param>
internal sealed record HostRulesState(ImmutableDictionary<string, HostTable> Tables)
{
    public static HostRulesState None { get; } = new(ImmutableDictionary<string, HostTable>.Empty.WithComparers(StringComparer.Ordinal));

    /// <summary>Counts up with each state.</summary>
    public long Version { get; init; }

    /// <summary>Rules that set marks were read as what somebody may ask for.</summary>
    public bool MarksAreRead { get; init; }
}

/// <summary>Other rules, or other elements of sets that rules look into.</summary>
internal sealed record HostRulesChange(HostRulesState State, ImmutableArray<SetChange> Sets)
{
    /// <summary>When the first event of it was read, as a Stopwatch timestamp.</summary>
    public long ReceivedAt { get; init; } = Stopwatch.GetTimestamp();

    /// <summary>This change and the one after it as one.</summary>
    public HostRulesChange Then(HostRulesChange later) => new(later.State, SetChange.Bounded([.. Sets, .. later.Sets])) { ReceivedAt = ReceivedAt };
}

/// <summary>Elements that came or went.</summary>
/// <param name="Table">The table of the set; null for an ipset, which belongs to none.</param>
/// <param name="Set">Its name, as terms have it.</param>
/// <param name="Elements">Of nf_tables, the elements as the event has them: of an interval, either end may be in another event.</param>
/// <param name="Addresses">Of an ipset, the addresses they can be found by.</param>
/// <param name="IsUnknown">Which elements is not known: any packet that looks into the set is concerned.</param>
internal sealed record SetChange(string? Table, string Set, ImmutableArray<NftElement> Elements, ImmutableArray<FoundBy> Addresses, bool IsUnknown)
{
    /// <summary>The most elements of one set that are looked at one by one.</summary>
    public const int MostElements = 256;

    /// <summary>The same changes; of a set with more of them than <see cref="MostElements"/>, one that does not say which.</summary>
    public static ImmutableArray<SetChange> Bounded(ImmutableArray<SetChange> changes)
    {
        if (changes.Length <= MostElements && changes.All(static change => change.Count <= MostElements))
        {
            return changes;
        }

        var elements = new Dictionary<(string? Table, string Set), int>();
        foreach (var change in changes)
        {
            elements[(change.Table, change.Set)] = elements.GetValueOrDefault((change.Table, change.Set)) + Math.Max(change.Count, 1);
        }

        var told = new HashSet<(string? Table, string Set)>();
        return
        [
            .. changes
                .Where(change => elements[(change.Table, change.Set)] <= MostElements || told.Add((change.Table, change.Set)))
                .Select(change => elements[(change.Table, change.Set)] <= MostElements ? change : new SetChange(change.Table, change.Set, [], [], IsUnknown: true)),
        ];
    }

    /// <summary>The set's elements are ends of intervals.</summary>
    public bool HasEnds { get; init; }

    /// <summary>They went; else they came.</summary>
    public bool IsRemoval { get; init; }

    private int Count => Elements.Length + Addresses.Length;
}

/// <summary>The addresses that an element of an ipset is found by.</summary>
/// <param name="One">Of its first part.</param>
/// <param name="Other">Of its last part; null of an element with one address.</param>
internal readonly record struct FoundBy(Interval One, Interval? Other = null)
{
    /// <summary>Null where that is not known.</summary>
    public static FoundBy? Of(IpSetElement element) => element.Addresses is var (one, other)
        ? new FoundBy(new Interval(one.First, one.Last), other is { } last ? new Interval(last.First, last.Last) : null)
        : null;
}

/// <summary>Which events can concern packets of the fast path; what else changes need not be read at once.</summary>
/// <param name="FlowChains">Chains that packets of flows meet, by table and name.</param>
/// <param name="FlowSets">Sets that packets of flows look into, by table and name.</param>
/// <param name="Sets">Sets that any packet looks into.</param>
/// <param name="IpSets">The same of ipsets, by the name that terms have for them.</param>
internal sealed record HostRulesAttention(
    ImmutableHashSet<(string Table, string Chain)> FlowChains,
    ImmutableHashSet<(string Table, string Set)> FlowSets,
    ImmutableHashSet<(string Table, string Set)> Sets,
    ImmutableHashSet<string> IpSets)
{
    public static HostRulesAttention None { get; } = new([], [], [], []);

    /// <summary>Of which <see cref="HostRulesState"/>.</summary>
    public long Version { get; init; }

    /// <summary>For whom <see cref="Finders"/> answers: another one where others may find what was found by nobody.</summary>
    public (IntervalSet? Ends, string Places) Audience { get; init; }

    /// <summary>Whether packets of the fast path may find elements that came or went, each with its whole key; and whether others than those that begin a connection may.</summary>
    public Func<SetChange, (bool Any, bool Flows)> Finders { get; init; } = static _ => (true, true);
}
