using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd.Fixture;

/// <summary>A program of somebody else on a device's tcx hook: it counts packets and lets them pass on, or drops them.</summary>
internal sealed unsafe class ForeignProgram : IDisposable
{
    private readonly FileDescriptor map;
    private readonly FileDescriptor program;
    private readonly FileDescriptor link;

    private ForeignProgram(FileDescriptor map, FileDescriptor program, FileDescriptor link)
    {
        this.map = map;
        this.program = program;
        this.link = link;
    }

    /// <summary>Packets seen.</summary>
    public ulong Packets => new BpfMap<uint, ulong>("foreign", map.Value).TryGet(0, out var packets) ? packets : 0;

    /// <summary>Its identity in the kernel.</summary>
    public uint Id => BpfProgramInfo.Of(program.Value).Id;

    /// <summary>Attaches behind whatever is on the hook already.</summary>
    public static ForeignProgram Attach(LabNode node, string device, TcDirection direction, bool drops = false)
    {
        const ulong Next = 0xffffffff, Drop = 2;
        var counter = Own(
            NativeBpf.bpf_map_create(NativeBpf.BPF_MAP_TYPE_ARRAY, "foreign", sizeof(uint), sizeof(ulong), 1, null), "make a map");
        var instructions = stackalloc ulong[]
        {
            // r1 = &value[0] (two slots); r2 = 1; lock *r1 += r2; r0 = TCX_NEXT or TCX_DROP; exit
            0x00002118UL | (ulong)counter.Value << 32,
            0,
            0x00000001_000002b7,
            0x00000000_000021db,
            0xb7UL | (drops ? Drop : Next) << 32,
            0x00000000_00000095,
        };
        var code = Own(
            NativeBpf.bpf_prog_load(NativeBpf.BPF_PROG_TYPE_SCHED_CLS, "foreign", "GPL", instructions, 6, null), "load a program");
        var fd = code.Value;
        var attached = node.Run(() => Own(
            Interop.Libbpf.bpf_link_create(fd, Footprint.IfIndex(device), TcxAttacher.AttachType(direction), null), $"attach to {device}"));
        return new ForeignProgram(counter, code, attached);
    }

    public void Dispose()
    {
        link.Dispose();
        program.Dispose();
        map.Dispose();
    }

    private static FileDescriptor Own(int fd, string operation) => new(BpfException.Check(fd, operation));
}
