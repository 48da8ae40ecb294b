namespace OnCache.Agent.Net;

/// <summary>One IPv4 policy routing rule.</summary>
internal sealed record RoutingRule
{
    public required uint Priority { get; init; }

    public Ipv4Prefix Source { get; init; }

    public Ipv4Prefix Destination { get; init; }

    public RuleAction Action { get; init; } = RuleAction.Lookup;

    public uint Table { get; init; }

    /// <summary>The rule matches when its selectors do not.</summary>
    public bool Invert { get; init; }

    /// <summary>It also selects by something that is not known of a packet here: a mark, a device, ports, a user.</summary>
    public bool HasOtherSelectors { get; init; }

    /// <summary>Of these, what differs among the packets of one flow: the type of service.</summary>
    public bool SelectsByTos { get; init; }

    /// <summary>What it selects by besides, as a hash: two rules that differ in no more are two.</summary>
    public ulong OtherSelectors { get; init; }

    /// <summary>Sends packets of a VRF's devices to that VRF's table.</summary>
    public bool L3Master { get; init; }

    /// <summary>Routes of at most this many prefix bits do not count; -1 when all count.</summary>
    public int SuppressPrefixLength { get; init; } = -1;
}

/// <summary>FR_ACT_* of linux/fib_rules.h.</summary>
internal enum RuleAction : byte
{
    Unspecified = 0,
    Lookup = 1,
    Goto = 2,
    Nop = 3,
    Blackhole = 6,
    Unreachable = 7,
    Prohibit = 8,
}
