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

    /// <summary>The kernel's own bound on programs of one hook (BPF_MPROG_MAX).</summary>
    public const int Most = 64;

    // A kernel that knows tcx looks for the device first, and there is none of this number.
    private static readonly Lazy<bool> s_isThere = new(static () => Query(0, TcDirection.Ingress, [], out _) == ENODEV);

    /// <summary>
    /// Reads the kernel's numbers of the programs, and returns how many there are; none where the device has gone or the kernel has no tcx. Every
    /// hook of a node is asked every few seconds, and as a rule answers as before: nothing is allocated.
    /// </summary>
    /// <param name="programs">Takes <see cref="Most"/>.</param>
    /// <exception cref="BpfException">The kernel refused to tell.</exception>
    public static int Read(int ifIndex, TcDirection direction, Span<uint> programs) => Query(ifIndex, direction, programs, out var count) switch
    {
        0 => count,
        var errno when MeansNone(errno, s_isThere.Value) => 0,
        var errno => throw new BpfException($"query the tcx programs of device index {ifIndex} ({direction})", errno),
    };

    /// <inheritdoc cref="Read"/>
    public static IReadOnlyList<uint> Of(int ifIndex, TcDirection direction)
    {
        Span<uint> programs = stackalloc uint[Most];
        return [.. programs[..Read(ifIndex, direction, programs)]];
    }

    /// <summary>Whether there are no programs where the kernel refuses to list them.</summary>
    /// <param name="isThere">The kernel has tcx.</param>
    internal static bool MeansNone(int errno, bool isThere) => errno is ENODEV or ENOENT || (errno == EINVAL && !isThere);

    private static int Query(int ifIndex, TcDirection direction, Span<uint> programs, out int count)
    {
        fixed (uint* place = programs)
        {
            var query = new ProgramQuery
            {
                IfIndex = (uint)ifIndex,
                AttachType = TcxAttacher.AttachType(direction),
                Programs = (ulong)place,
                Count = (uint)programs.Length,
            };
            var isRead = Interop.Libc.syscall(SYS_bpf, BPF_PROG_QUERY, (long)(nint)(&query), sizeof(ProgramQuery)) == 0;
            count = isRead ? Math.Min((int)query.Count, programs.Length) : 0;
            return isRead ? 0 : Marshal.GetLastPInvokeError();
        }
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
