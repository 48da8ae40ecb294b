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

    /// <summary>The pods whose flows may be among them, as <c>namespace/name</c>; of many, the first. None where those that had such flows have gone.</summary>
    public IReadOnlyList<string> Pods { get; init => field = value ?? []; } = [];

    /// <summary>How many pods there are beside those named.</summary>
    public int MorePods { get; init; }
}

/// <summary>The rules of the host that keep flows off the fast path, in a bounded number of words.</summary>
/// <param name="Rules">The first ones.</param>
/// <param name="MoreRules">How many there are beside these.</param>
/// <param name="Counts">Of all of them, one for each scope.</param>
internal sealed record HostRulesReport(IReadOnlyList<HostRuleStatus> Rules, int MoreRules, IReadOnlyList<HostRuleCount> Counts)
{
    public static HostRulesReport None { get; } = new([], 0, []);
}

/// <summary>How much rules of the host keep off the fast path.</summary>
/// <param name="Scope">What they keep off.</param>
/// <param name="Rules">Those that concern pods now.</param>
/// <param name="Pods">The pods whose flows may be among them, each once.</param>
internal sealed record HostRuleCount(HostRuleScope Scope, int Rules, int Pods);
