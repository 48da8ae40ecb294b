using OnCache.Api;

namespace OnCache.Agent.Telemetry;

/// <summary>A rule of the host's own that keeps flows off the fast path.</summary>
internal sealed record HostRuleStatus
{
    /// <summary>The rule in the words of <c>nft list</c>, <c>iptables -S</c> or <c>tc</c>, on one line.</summary>
    public required string Rule { get; init; }

    /// <summary>Its table and chain, or its device.</summary>
    public required string Where { get; init; }

    /// <summary>Why it keeps them off: a short phrase.</summary>
    public required string Reason { get; init; }

    /// <summary>Which flows: protocol, addresses, ports, interfaces.</summary>
    public required string Region { get; init; }

    /// <summary>What of them it keeps off.</summary>
    public required HostRuleScope Scope { get; init; }

    /// <summary>The pods whose flows may be among them, as <c>namespace/name</c>.</summary>
    public IReadOnlyList<string> Pods { get; init => field = value ?? []; } = [];
}
