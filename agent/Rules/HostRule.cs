using System.Collections.Immutable;

using OnCache.Api;

namespace OnCache.Agent.Rules;

/// <summary>A rule of the node's own, whichever program of the kernel has it, so far as it matters to cached verdicts.</summary>
/// <param name="Text">In the words of <c>nft list</c> or <c>iptables -S</c>.</param>
/// <param name="Terms">In the order in which the kernel asks them.</param>
/// <param name="Verdict">What becomes of a packet that all matches take.</param>
internal sealed record HostRule(string Text, ImmutableArray<RuleTerm> Terms, RuleVerdict Verdict)
{
    /// <summary>Comments and names in it are anybody's: nothing in it moves a cursor.</summary>
    public string Text { get; } = Excerpt.Printable(Text);

    /// <summary>Differs where the rule means something else; counters and handles are no part of it.</summary>
    public required ulong Fingerprint { get; init; }
}

/// <summary>A chain of rules.</summary>
/// <param name="Where">Table and chain, for people.</param>
internal sealed record HostChain(string Where, ImmutableArray<HostRule> Rules)
{
    public string Where { get; } = Excerpt.Printable(Where);
}

/// <summary>A chain that the kernel calls.</summary>
/// <param name="Ways">Which packets.</param>
/// <param name="Stage">Which of their devices are known there.</param>
/// <param name="IsNat">It sees a connection's first packet only.</param>
/// <param name="States">What conntrack may say there, where it is not what it says of the connection: before it has seen the packet, say.</param>
/// <param name="Device">Of a hook of devices, which; what passes it depends on what they are.</param>
/// <param name="DeviceReceives">Such a hook sees what the device receives, else what it sends.</param>
internal sealed record HostHook(
    string Chain,
    ImmutableArray<PacketWay> Ways,
    HookStage Stage,
    bool IsNat = false,
    ConnectionStates? States = null,
    DevicePattern? Device = null,
    bool DeviceReceives = false);

/// <summary>Where a packet stands on its way.</summary>
internal enum HookStage
{
    /// <summary>Its incoming device is known.</summary>
    Incoming,

    /// <summary>Both are.</summary>
    Between,

    /// <summary>Its outgoing device is known.</summary>
    Outgoing,
}

/// <summary>A table: chains that call each other and no others.</summary>
/// <param name="Name">Family and name, for people.</param>
internal sealed record HostTable(string Name, ImmutableArray<HostHook> Hooks, ImmutableDictionary<string, HostChain> Chains)
{
    /// <summary>Differs where the table means something else.</summary>
    public ulong Fingerprint { get; init; }

    /// <summary>Why it could not be read as a whole; null where it could. All that may meet it then stays on the CNI's path.</summary>
    public string? Unreadable { get; init; }

    /// <summary>Whether packets meet it that do not begin a connection.</summary>
    public bool SeesFlows => Hooks.Any(static hook => !hook.IsNat);
}

/// <summary>What becomes of a packet that a rule matches.</summary>
internal enum VerdictKind
{
    /// <summary>On to the next rule.</summary>
    Continue,

    /// <summary>No more rules of this base chain: accepted.</summary>
    Accept,

    /// <summary>Gone: dropped, rejected, queued or taken by another path.</summary>
    Drop,
    Return,
    Jump,
    Goto,

    /// <summary>Each by its key.</summary>
    Map,
}

/// <param name="Target">Of a jump, the chain.</param>
internal sealed record RuleVerdict(VerdictKind Kind, string? Target = null)
{
    public static RuleVerdict Continue { get; } = new(VerdictKind.Continue);

    public static RuleVerdict Accept { get; } = new(VerdictKind.Accept);

    public static RuleVerdict Drop { get; } = new(VerdictKind.Drop);

    public static RuleVerdict Return { get; } = new(VerdictKind.Return);

    /// <summary>Of a map.</summary>
    public ImmutableArray<(ImmutableArray<RuleTerm> Terms, RuleVerdict Verdict)> Entries { get; init; } = [];
}
