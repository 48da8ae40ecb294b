using OnCache.Api;

namespace OnCache.Agent.Rules;

/// <summary>Packets that have to meet a rule, and why.</summary>
/// <param name="Packets">Which.</param>
/// <param name="Scope">Whether every one of a flow, or those that begin a connection.</param>
/// <param name="Rule">In the words of <c>nft list</c>, <c>iptables -S</c> or <c>tc</c>.</param>
/// <param name="Where">Table and chain, or device.</param>
/// <param name="Reason">What a cached verdict does not carry.</param>
internal sealed record RuleRegion(PacketClass Packets, RegionReach Scope, string Rule, string Where, string Reason)
{
    /// <summary>Names in it are anybody's: nothing in it moves a cursor.</summary>
    public string Rule { get; } = Excerpt.Printable(Rule);

    public string Where { get; } = Excerpt.Printable(Where);
}

/// <summary>What of a flow has to meet a rule.</summary>
internal enum RegionReach
{
    /// <summary>Every packet.</summary>
    Flows,

    /// <summary>The packets that begin a connection.</summary>
    ShortConnections,
}

/// <summary>A rule that packets of a class may meet, carried or not: what has changed, when it comes or goes.</summary>
internal readonly record struct RuleEncounter(PacketClass Packets, ulong Fingerprint, string Where, string Rule);

/// <summary>A look into a set by packets of a class.</summary>
/// <param name="FirstPacketsOnly">By packets that begin a connection.</param>
internal readonly record struct SetEncounter(SetTerm Look, PacketClass Packets, bool FirstPacketsOnly);
