using OnCache.Agent.Net;

namespace OnCache.Agent.Topology;

/// <summary>
/// Finds what somebody put on a pod's veth that cached packets would bypass: bandwidth limits above all, which CNIs build from a queueing
/// discipline (to the pod) and a mirroring filter (from the pod).
/// </summary>
internal static class Shaping
{
    // What the kernel or a distribution attaches unasked. They limit nothing, but for an fq that was given a rate.
    private static readonly string[] s_defaults = ["noqueue", "pfifo_fast", "fq_codel", "fq", "mq", "noop"];

    /// <summary>Why traffic from the pod must not bypass the veth; null when it may.</summary>
    public static string? FromPod(NetworkSnapshot snapshot, Link veth, Predicate<TcFilter> isOwnFilter) =>
        ForeignFilter(snapshot, veth, TcDirection.Ingress, isOwnFilter);

    /// <summary>Why traffic to the pod must not bypass the veth; null when it may.</summary>
    public static string? ToPod(NetworkSnapshot snapshot, Link veth, Predicate<TcFilter> isOwnFilter)
    {
        return ChosenOf(snapshot, veth.IfIndex) is { } chosen
            ? $"{veth.Name}: queueing discipline {chosen.Kind}"
            : ForeignFilter(snapshot, veth, TcDirection.Egress, isOwnFilter);
    }

    /// <summary>A device's queueing discipline, or one within it, where somebody chose it; null where packets may pass all of them by.</summary>
    public static Qdisc? ChosenOf(NetworkSnapshot snapshot, int ifIndex) => snapshot.Qdiscs.GetValueOrDefault(ifIndex, [])
        .Where(static qdisc => qdisc.Parent != Qdisc.Clsact && (qdisc.HasRate || !s_defaults.Contains(qdisc.Kind, StringComparer.Ordinal)))
        .MaxBy(static qdisc => qdisc.Parent);

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
