namespace OnCache.Agent.Net;

/// <summary>A tc filter at a device's clsact or ingress hook. tcx programs are not filters and are not listed here.</summary>
/// <param name="IfIndex">The device.</param>
/// <param name="Direction">The hook.</param>
/// <param name="Kind">"bpf", "matchall", "u32", ...</param>
/// <param name="Priority">The order among filters of the hook.</param>
/// <param name="Handle">Its number within the priority.</param>
/// <param name="BpfName">What the one who attached a bpf filter called it; libbpf says "program:[id]". Null for other kinds.</param>
/// <param name="BpfId">The kernel's number of the program; null for other kinds.</param>
internal sealed record TcFilter(
    int IfIndex, TcDirection Direction, string Kind, ushort Priority, uint Handle, string? BpfName = null, uint? BpfId = null);

/// <summary>Seen from the device: what it receives, what it sends.</summary>
internal enum TcDirection
{
    Ingress,
    Egress,
}
