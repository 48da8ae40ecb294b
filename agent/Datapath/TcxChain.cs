using System.Runtime.InteropServices;

using OnCache.Agent.Bpf;
using OnCache.Agent.Net;

namespace OnCache.Agent.Datapath;

/// <summary>The programs at a tcx hook in the order in which they run. Attaching one raises no event, so they are asked for.</summary>
internal static unsafe class TcxChain
{
    private const int SYS_bpf = 321;
    private const int BPF_PROG_QUERY = 16;

    private const int ENOENT = 2;
    private const int ENODEV = 19;
    private const int EINVAL = 22;

    // The kernel's own bound on programs of one hook (BPF_MPROG_MAX).
    private const int Most = 64;

    // A kernel that knows tcx looks for the device first, and there is none of this number.
    private static readonly Lazy<bool> s_isThere = new(static () => Query(0, TcDirection.Ingress, out _) == ENODEV);

    /// <summary>The kernel's numbers of the programs; none where the device has gone or the kernel has no tcx.</summary>
    /// <exception cref="BpfException">The kernel refused to tell.</exception>
    public static IReadOnlyList<uint> Of(int ifIndex, TcDirection direction) => Query(ifIndex, direction, out var programs) switch
    {
        0 => programs,
        var errno when MeansNone(errno, s_isThere.Value) => [],
        var errno => throw new BpfException($"query the tcx programs of device index {ifIndex} ({direction})", errno),
    };

    /// <summary>Whether there are no programs where the kernel refuses to list them.</summary>
    /// <param name="isThere">The kernel has tcx.</param>
    internal static bool MeansNone(int errno, bool isThere) => errno is ENODEV or ENOENT || (errno == EINVAL && !isThere);

    private static int Query(int ifIndex, TcDirection direction, out IReadOnlyList<uint> found)
    {
        found = [];
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
            return Marshal.GetLastPInvokeError();
        }

        found = [.. new ReadOnlySpan<uint>(programs, (int)Math.Min(query.Count, Most))];
        return 0;
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
