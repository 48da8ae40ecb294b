namespace OnCache.Agent.Net;

/// <summary>A queueing discipline of a device. The kernel lists only those somebody configured or that are not built in.</summary>
/// <param name="IfIndex">The device.</param>
/// <param name="Kind">"tbf", "clsact", ...</param>
/// <param name="Handle">Its own number, major in the upper 16 bits.</param>
/// <param name="Parent">Where it hangs; <see cref="Root"/> or <see cref="Clsact"/> for those at the device itself.</param>
internal sealed record Qdisc(int IfIndex, string Kind, uint Handle, uint Parent)
{
    /// <summary>An fq with a rate that no flow exceeds.</summary>
    public bool HasRate { get; init; }

    /// <summary>TC_H_ROOT.</summary>
    public const uint Root = 0xffff_ffff;

    /// <summary>TC_H_CLSACT, the same number as TC_H_INGRESS: the hook of "clsact" and "ingress".</summary>
    public const uint Clsact = 0xffff_fff1;
}
