using System.Text.Json.Serialization;
using OnCache.Kubernetes.Entities.Attributes;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Api;

/// <summary>A rule of a node's own that keeps flows off the fast path.</summary>
/// <param name="Rule">The rule in the words of <c>nft list</c>, <c>iptables -S</c> or <c>tc</c>; a longer one ends with an ellipsis.</param>
/// <param name="Reason">Why it does: a short phrase.</param>
/// <param name="Scope">What it keeps off the fast path.</param>
/// <param name="Pods">How many pods it concerned when the list of rules last changed.</param>
public sealed record NodeHostRule(
    [property: Length(maxLength: NodeHostRule.MaximumRule)] string Rule,
    [property: Length(maxLength: NodeHostRule.MaximumReason)] string Reason,
    HostRuleScope Scope,
    int Pods)
{
    /// <summary>The longest <see cref="Rule"/>, in characters.</summary>
    public const int MaximumRule = 256;

    /// <summary>The longest <see cref="Reason"/>, in characters.</summary>
    public const int MaximumReason = 128;
}

/// <summary>What a rule of a node's own keeps off the fast path.</summary>
[JsonConverter(typeof(EnumText<HostRuleScope>))]
public enum HostRuleScope
{
    /// <summary>Whole flows: it must see every packet of them.</summary>
    Flows,

    /// <summary>The beginning of connections: it must see the packets that open one.</summary>
    ShortConnections,
}
