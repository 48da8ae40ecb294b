using System.Collections.Immutable;

namespace OnCache.Agent.Net.Netfilter;

/// <summary>A table of nf_tables.</summary>
/// <param name="Family">NFPROTO_*.</param>
/// <param name="IsDormant">Its chains see nothing.</param>
internal sealed record NftTable(byte Family, string Name, bool IsDormant);

/// <summary>A chain; a base chain where it has a hook.</summary>
/// <param name="Handle">Stays the same when it gets another name.</param>
internal sealed record NftChain(byte Family, string Table, string Name, ulong Handle, NftHook? Hook)
{
    /// <summary>It hangs at devices. Events of it name only those that came or went.</summary>
    public bool IsOfDevices => Family == NftProtocol.NFPROTO_NETDEV || Hook is { Devices.IsEmpty: false };
}

/// <summary>Where a base chain hangs.</summary>
/// <param name="Number">NF_INET_* or NF_NETDEV_*.</param>
/// <param name="Type">"filter", "nat" or "route".</param>
/// <param name="Drops">Its policy: what comes to the chain's end is dropped, else accepted.</param>
/// <param name="Devices">Of family netdev, or the ingress hook of inet.</param>
internal sealed record NftHook(int Number, int Priority, string Type, bool Drops, ImmutableArray<NftDevice> Devices)
{
    public bool Equals(NftHook? other) =>
        other is not null && Number == other.Number && Priority == other.Priority && Drops == other.Drops
        && string.Equals(Type, other.Type, StringComparison.Ordinal) && Devices.SequenceEqual(other.Devices);

    public override int GetHashCode() => HashCode.Combine(Number, Priority, Type, Devices.Length);
}

/// <summary>A device that a chain hangs at.</summary>
/// <param name="IsPrefix">All devices whose names begin so, those to come among them.</param>
internal readonly record struct NftDevice(string Name, bool IsPrefix);

/// <summary>A rule as the kernel tells it.</summary>
/// <param name="Expressions">The list of expressions, not yet read.</param>
/// <param name="UserData">What the program that added the rule notes of it: nft's comments.</param>
internal sealed record NftRule(byte Family, string Table, string Chain, ulong Handle, byte[] Expressions, byte[] UserData);

/// <summary>A set or map.</summary>
/// <param name="Flags">NFT_SET_*.</param>
/// <param name="DataType">Of a map, what it leads to; NFT_DATA_VERDICT for a verdict map.</param>
internal sealed record NftSet(byte Family, string Table, string Name, uint Flags, int KeyLength, uint DataType)
{
    /// <summary>What each element has of its own: a counter, a limit, a quota.</summary>
    public ImmutableArray<string> Stateful { get; init; } = [];

    public bool IsAnonymous => (Flags & NftProtocol.NFT_SET_ANONYMOUS) != 0;

    /// <summary>Of all sets that a table ever has, this one; 0 where the kernel tells none.</summary>
    public ulong Handle { get; init; }

    /// <summary>What a rule has for itself holds the same for as long as it is there: the kernel lets nobody change it.</summary>
    public bool IsConstant => IsAnonymous && (Flags & NftProtocol.NFT_SET_CONSTANT) != 0 && !IsVolatile && Handle != 0;

    public bool IsVerdictMap => (Flags & NftProtocol.NFT_SET_MAP) != 0 && DataType == NftProtocol.NFT_DATA_VERDICT;

    /// <summary>Elements come by packets, or go by time, and nobody is told.</summary>
    public bool IsVolatile => (Flags & (NftProtocol.NFT_SET_TIMEOUT | NftProtocol.NFT_SET_EVAL)) != 0;

    /// <summary>Packets may add elements.</summary>
    public bool IsFilledByPackets => (Flags & NftProtocol.NFT_SET_EVAL) != 0;

    /// <summary>An element is the beginning or the end of an interval. Of a concatenation each element has both.</summary>
    public bool HasEnds => (Flags & (NftProtocol.NFT_SET_INTERVAL | NftProtocol.NFT_SET_CONCAT)) == NftProtocol.NFT_SET_INTERVAL;
}

/// <summary>An element of a set or map.</summary>
/// <param name="KeyEnd">Of a range in a concatenation, its last key.</param>
/// <param name="IsEnd">Of intervals, the first key beyond.</param>
/// <param name="IsCatchAll">Matches what nothing else does.</param>
/// <param name="Verdict">Of a verdict map, where it leads to.</param>
/// <param name="Stateful">What it has of its own: a counter, a limit, a quota.</param>
internal sealed record NftElement(
    string Table, string Set, byte[] Key, byte[]? KeyEnd, bool IsEnd, bool IsCatchAll, NftVerdict? Verdict, ImmutableArray<string> Stateful);

/// <summary>Elements that were read of a set.</summary>
/// <param name="IsWhole">They are all of it; else the first, or those of the moment.</param>
internal sealed record NftContents(IReadOnlyList<NftElement> Elements, bool IsWhole);

/// <summary>A verdict: NF_* or NFT_*, and where to.</summary>
internal sealed record NftVerdict(int Code, string? Chain);
