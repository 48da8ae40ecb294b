using System.Collections.Immutable;

using OnCache.Agent.Net;

namespace OnCache.Agent.Topology;

/// <summary>The outer packets between this node and another.</summary>
/// <param name="Local">This node's outer address.</param>
/// <param name="Remote">The other's.</param>
/// <param name="Port">The UDP destination port in both directions; source ports vary.</param>
internal readonly record struct TunnelPath(Ipv4Address Local, Ipv4Address Remote, ushort Port);

/// <summary>Finds the IPsec policy that keeps a tunnel off the cached path, which would send in plain text and accept plain text.</summary>
internal static class IpsecMatcher
{
    private const byte Udp = 17;

    private enum Match
    {
        No,

        /// <summary>For some source ports, marks or devices.</summary>
        Some,

        All,
    }

    /// <summary>The first policy of either direction that transforms or blocks packets of this path; null when none does.</summary>
    public static XfrmPolicy? Find(IEnumerable<XfrmPolicy> policies, TunnelPath path)
    {
        // Of equal priority the kernel takes the older one. OrderBy keeps the kernel's order among equals.
        var ordered = policies.Where(static policy => policy.InterfaceId == 0).OrderBy(static policy => policy.Priority).ToList();
        return ordered.Count == 0
            ? null
            : Find(ordered, XfrmDirection.Out, path.Local, path.Remote, path.Port)
                ?? Find(ordered, XfrmDirection.In, path.Remote, path.Local, path.Port);
    }

    /// <summary>
    /// Whether a change of policies may take packets off the path on which verdicts were given: one came or went that transforms or blocks
    /// packets between such addresses, in any direction.
    /// </summary>
    /// <param name="covers">Whether a network holds an address that matters: a pod's, a node's, one behind the tunnel.</param>
    public static bool HasMoved(ImmutableArray<XfrmPolicy> before, ImmutableArray<XfrmPolicy> after, Predicate<Ipv4Prefix> covers) =>
        before.Except(after).Concat(after.Except(before))
            .Any(policy => (policy.Action == XfrmAction.Block || policy.TemplateCount > 0) && covers(policy.Source) && covers(policy.Destination));

    private static XfrmPolicy? Find(
        List<XfrmPolicy> ordered, XfrmDirection direction, Ipv4Address source, Ipv4Address destination, ushort port)
    {
        foreach (var policy in ordered)
        {
            var match = policy.Direction == direction ? Matches(policy, source, destination, port) : Match.No;
            if (match == Match.No)
            {
                continue;
            }

            if (policy.Action == XfrmAction.Block || policy.TemplateCount > 0)
            {
                return policy;
            }

            if (match == Match.All)
            {
                // An exception in front of whatever follows.
                return null;
            }
        }

        return null;
    }

    private static Match Matches(XfrmPolicy policy, Ipv4Address source, Ipv4Address destination, ushort port)
    {
        if (!policy.Source.Contains(source) || !policy.Destination.Contains(destination) || policy.Protocol is not (0 or Udp)
            || ((port ^ policy.DestinationPort) & policy.DestinationPortMask) != 0)
        {
            return Match.No;
        }

        return policy.SourcePortMask != 0 || policy.HasMark || policy.IfIndex != 0 ? Match.Some : Match.All;
    }
}
