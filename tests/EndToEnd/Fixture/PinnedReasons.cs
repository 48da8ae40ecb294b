using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;

namespace OnCache.EndToEnd.Fixture;

/// <summary>The reason counters as they lie in the kernel, for the time when no agent can be asked.</summary>
internal sealed class PinnedReasons : IDisposable
{
    private readonly FileDescriptor map;

    public PinnedReasons(LabAgent agent) =>
        map = PinnedMaps.TryOpen(PinDirectory.At(agent.Node.BpfRoot), MapNames.Reasons)
            ?? throw new InvalidOperationException($"no reasons are pinned in {agent.Node.BpfRoot}");

    public ReasonCounters Read(Reason reason) =>
        new PerCpuArray<ReasonCounters>(MapNames.Reasons, map.Value, Interop.Libbpf.libbpf_num_possible_cpus()).Read((uint)reason)
            .Aggregate(default(ReasonCounters), static (sum, cpu) => new(sum.Egress + cpu.Egress, sum.Ingress + cpu.Ingress));

    public void Dispose() => map.Dispose();
}
