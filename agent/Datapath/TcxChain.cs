using System.Runtime.InteropServices;

using OnCache.Agent.Bpf;
using OnCache.Agent.Net;

namespace OnCache.Agent.Datapath;

/// <summary>The programs at a tcx hook in the order in which they run. Attaching one raises no event, so they are asked for.</summary>
internal static unsafe class TcxChain
{
    private const int SYS_bpf = 321;
    private const int BPF_PROG_QUERY = 16;

    // The kernel's own bound on programs of one hook (BPF_MPROG_MAX).
    private const int Most = 64;

    /// <summary>The kernel's numbers of the programs; none where the device has gone or the kernel has no tcx.</summary>
    public static IReadOnlyList<uint> Of(int ifIndex, TcDirection direction)
    {
        var programs = stackalloc uint[Most];
        var query = new ProgramQuery
        {
            IfIndex = (uint)ifIndex,
            AttachType = TcxAttacher.AttachType(direction),
            Programs = (ulong)programs,
            Count = Most,
        };
        if (Interop.Libc.syscall(SYS_bpf, BPF_PROG_QUERY, (long)(nint)(&query), sizeof(ProgramQuery)) != 0)
        {
            return [];
        }

        return [.. new ReadOnlySpan<uint>(programs, (int)Math.Min(query.Count, Most))];
    }

    /// <summary>linux/bpf.h, the query member of union bpf_attr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ProgramQuery
    {
        public uint IfIndex;
        public uint AttachType;
        public uint QueryFlags;
        public uint AttachFlags;
        public ulong Programs;
        public uint Count;
        private readonly uint _pad;
        public ulong ProgramAttachFlags;
        public ulong Links;
        public ulong LinkAttachFlags;
        public ulong Revision;
    }
}
