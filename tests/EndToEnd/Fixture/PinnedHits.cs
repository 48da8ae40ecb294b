using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;

namespace OnCache.EndToEnd.Fixture;

/// <summary>The hits of all pods of a node as they lie in the kernel, for the time when no agent can be asked.</summary>
internal sealed class PinnedHits : IDisposable
{
    private readonly FileDescriptor map;
    private readonly uint slots;

    public PinnedHits(LabAgent agent)
        : this(agent.Node.BpfRoot)
    {
    }

    /// <param name="root">Where the agent pins.</param>
    public PinnedHits(string root)
    {
        map = PinnedMaps.TryOpen(PinDirectory.At(root), MapNames.EndpointCounters)
            ?? throw new InvalidOperationException($"no counters are pinned in {root}");
        slots = PinnedMaps.ShapeOf(map).MaxEntries;
    }

    public Hits Read()
    {
        var counters = new PerCpuArray<EndpointCounters>(MapNames.EndpointCounters, map.Value, Interop.Libbpf.libbpf_num_possible_cpus());
        var sum = default(EndpointCounters);
        for (var slot = 0u; slot < slots; slot++)
        {
            sum = counters.Read(slot).Aggregate(sum, static (total, cpu) => total + cpu);
        }

        return new Hits((long)sum.EgressPackets, (long)sum.IngressPackets);
    }

    public void Dispose() => map.Dispose();
}
