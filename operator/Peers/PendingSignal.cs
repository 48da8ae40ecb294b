using System.Collections.Immutable;
using OnCache.Api;

namespace OnCache.Operator.Peers;

/// <summary>What a node is to be told. Two become one without loss.</summary>
/// <param name="Policies">The policies, as namespace/name; empty when <paramref name="IsAll"/>.</param>
/// <param name="IsAll">Whether any policy may be concerned.</param>
/// <param name="Causes">What happened.</param>
/// <param name="Since">When the first of it was heard.</param>
internal sealed record PendingSignal(ImmutableSortedSet<string> Policies, bool IsAll, ImmutableSortedSet<PeerCause> Causes, DateTimeOffset Since)
{
    private static readonly ImmutableSortedSet<string> s_none = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

    /// <summary>Of some policies.</summary>
    public static PendingSignal Of(IEnumerable<string> policies, IEnumerable<PeerCause> causes, DateTimeOffset since) =>
        new PendingSignal(s_none.Union(policies), IsAll: false, [.. causes], since).Bounded();

    /// <summary>Of whatever happened while nobody watched.</summary>
    public static PendingSignal OfAll(PeerCause cause, DateTimeOffset since) => new(s_none, IsAll: true, [cause], since);

    /// <summary>Both in one.</summary>
    public PendingSignal With(PendingSignal other) =>
        new PendingSignal(Policies.Union(other.Policies), IsAll || other.IsAll, Causes.Union(other.Causes), Since < other.Since ? Since : other.Since).Bounded();

    /// <summary>As the agent reads it.</summary>
    public PeerSignal Number(long revision) => new() { Revision = revision, NetworkPolicies = [.. Policies], All = IsAll };

    private PendingSignal Bounded() => IsAll || Policies.Count > PeerSignal.MaximumPolicies ? this with { IsAll = true, Policies = s_none } : this;
}
