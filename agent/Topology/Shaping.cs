using OnCache.Agent.Net;

namespace OnCache.Agent.Topology;

/// <summary>
/// Finds what somebody put on a pod's veth that cached packets would bypass: bandwidth limits above all, which CNIs build from a queueing
/// discipline (to the pod) and a mirroring filter (from the pod).
/// </summary>
internal static class Shaping
{
    // What the kernel or a distribution attaches unasked. They limit nothing.
    private static readonly string[] s_defaults = ["noqueue", "pfifo_fast", "fq_codel", "fq", "mq", "noop"];

    /// <summary>Why traffic from the pod must not bypass the veth; null when it may.</summary>
    public static string? FromPod(NetworkSnapshot snapshot, Link veth, Predicate<TcFilter> isOwnFilter) =>
        ForeignFilter(snapshot, veth, TcDirection.Ingress, isOwnFilter);

    /// <summary>Why traffic to the pod must not bypass the veth; null when it may.</summary>
    public static string? ToPod(NetworkSnapshot snapshot, Link veth, Predicate<TcFilter> isOwnFilter)
    {
        return RootOf(snapshot, veth.IfIndex) is { } root
            ? $"{veth.Name}: queueing discipline {root.Kind}"
            : ForeignFilter(snapshot, veth, TcDirection.Egress, isOwnFilter);
    }

    /// <summary>A device's queueing discipline, where somebody chose it; null where packets may pass it by.</summary>
    public static Qdisc? RootOf(NetworkSnapshot snapshot, int ifIndex) => snapshot.Qdiscs.GetValueOrDefault(ifIndex, [])
        .FirstOrDefault(static qdisc => qdisc.Parent == Qdisc.Root && !s_defaults.Contains(qdisc.Kind, StringComparer.Ordinal));

    private static string? ForeignFilter(NetworkSnapshot snapshot, Link veth, TcDirection direction, Predicate<TcFilter> isOwnFilter)
    {
        var filter = snapshot.Filters.GetValueOrDefault(veth.IfIndex, [])
            .FirstOrDefault(filter => filter.Direction == direction && !isOwnFilter(filter));
        return filter is null
            ? null
            : $"{veth.Name}: {filter.Kind} filter {(filter.BpfName is { } name ? $"'{name}' " : "")}of priority {filter.Priority} "
                + (direction == TcDirection.Ingress ? "at ingress" : "at egress");
    }
}
