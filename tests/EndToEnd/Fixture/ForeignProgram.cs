using System.Runtime.InteropServices;
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
    public ulong Packets => Seen.Packets;

    /// <summary>How many checksums of a packet counted as verified behind it, at most.</summary>
    public int Verified => (int)Seen.Verified;

    /// <summary>Whether a packet came with the sum over all of it: CHECKSUM_COMPLETE.</summary>
    public bool Summed => Seen.Sum > 0;

    /// <summary>Its identity in the kernel.</summary>
    public uint Id => BpfProgramInfo.Of(program.Value).Id;

    private Findings Seen => new BpfMap<uint, Findings>("foreign", map.Value).TryGet(0, out var seen) ? seen : default;

    /// <summary>Attaches behind whatever is on the hook already.</summary>
    /// <param name="verifies">So many checksums, from the outermost on, count as verified from here on, as by a NIC: CHECKSUM_UNNECESSARY.</param>
    public static ForeignProgram Attach(LabNode node, string device, TcDirection direction, bool drops = false, int verifies = 0)
    {
        const ulong Next = 0xffffffff, Drop = 2;
        const ulong CsumUpdate = 40, CsumLevel = 135, Query = 0, Increment = 1;
        const ulong KeepPacket = 0x16bf, SecondZero = 0x02b7;
        var counter = Own(
            NativeBpf.bpf_map_create(NativeBpf.BPF_MAP_TYPE_ARRAY, "foreign", sizeof(uint), (uint)sizeof(Findings), 1, null), "make a map");
        var code = new List<ulong>
        {
            // r6 = packet; r7 = &value (two slots); r2 = 1; lock r7->Packets += r2
            KeepPacket,
            0x2718UL | (ulong)counter.Value << 32,
            0,
            SecondZero | 1UL << 32,
            0x27db,
        };
        for (var i = 0; i < verifies; i++)
        {
            code.AddRange(Call(CsumLevel, Increment));
        }

        // Errors, where there is neither level nor sum, are below zero.
        code.AddRange([.. Call(CsumLevel, Query), .. KeepHighest(nameof(Findings.Verified)), .. Call(CsumUpdate, 0), .. KeepHighest(nameof(Findings.Sum))]);
        // r0 = TCX_NEXT or TCX_DROP; exit
        code.AddRange([0xb7UL | (drops ? Drop : Next) << 32, 0x95]);
        var instructions = code.ToArray();
        fixed (ulong* first = instructions)
        {
            var loaded = Own(
                NativeBpf.bpf_prog_load(NativeBpf.BPF_PROG_TYPE_SCHED_CLS, "foreign", "GPL", first, (nuint)instructions.Length, null), "load a program");
            var fd = loaded.Value;
            var attached = node.Run(() => Own(
                Interop.Libbpf.bpf_link_create(fd, Footprint.IfIndex(device), TcxAttacher.AttachType(direction), null), $"attach to {device}"));
            return new ForeignProgram(counter, loaded, attached);
        }

        // r1 = packet; r2 = argument; call
        static ulong[] Call(ulong helper, ulong argument) => [0x61bf, SecondZero | argument << 32, 0x85UL | helper << 32];

        // r0++; r3 = r7->field; if r0 > r3 signed: r7->field = r0
        static ulong[] KeepHighest(string field)
        {
            var offset = (ulong)Marshal.OffsetOf<Findings>(field) << 16;
            return [0x00000001_00000007, offset | 0x7379, 0x0001_30dd, offset | 0x077b];
        }
    }

    public void Dispose()
    {
        link.Dispose();
        program.Dispose();
        map.Dispose();
    }

    private static FileDescriptor Own(int fd, string operation) => new(BpfException.Check(fd, operation));

    /// <summary>What the program has seen.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Findings
    {
        public ulong Packets;
        public long Verified;

        /// <summary>The highest, and one more.</summary>
        public long Sum;
    }
}
