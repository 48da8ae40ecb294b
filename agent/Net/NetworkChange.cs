using System.Collections.Immutable;
using System.Diagnostics;

namespace OnCache.Agent.Net;

/// <summary>Which parts of a snapshot changed.</summary>
[Flags]
internal enum NetworkChangeKinds
{
    None = 0,
    Links = 1 << 0,
    Addresses = 1 << 1,
    Routes = 1 << 2,
    Rules = 1 << 3,
    Neighbours = 1 << 4,
    Fdb = 1 << 5,
    Qdiscs = 1 << 6,
    Filters = 1 << 7,
    XfrmPolicies = 1 << 8,
    Settings = 1 << 9,
    All = Links | Addresses | Routes | Rules | Neighbours | Fdb | Qdiscs | Filters | XfrmPolicies | Settings,
}

/// <summary>A new state of the network, and what is different from the one published before.</summary>
/// <param name="Snapshot">The network now.</param>
/// <param name="Kinds">What changed.</param>
/// <param name="IfIndexes">The devices it concerns, those that are gone included. Rules and IPsec policies concern none.</param>
internal sealed record NetworkChange(NetworkSnapshot Snapshot, NetworkChangeKinds Kinds, ImmutableHashSet<int> IfIndexes)
{
    /// <summary>When the first event of it was read, as a Stopwatch timestamp.</summary>
    public long ReceivedAt { get; init; } = Stopwatch.GetTimestamp();

    /// <summary>This change and the one after it as one.</summary>
    public NetworkChange Then(NetworkChange later) =>
        new(later.Snapshot, Kinds | later.Kinds, IfIndexes.Union(later.IfIndexes)) { ReceivedAt = ReceivedAt };
}
