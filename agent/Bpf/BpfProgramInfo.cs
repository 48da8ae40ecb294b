using System.Runtime.InteropServices;
using System.Text;

namespace OnCache.Agent.Bpf;

/// <summary>What the kernel tells of a loaded program.</summary>
/// <param name="Name">At most 15 characters: the kernel cuts longer names.</param>
/// <param name="VerifiedInstructions">Instructions the verifier walked: its measure of complexity.</param>
/// <param name="RunTime">Counted while <c>kernel.bpf_stats_enabled</c> is 1.</param>
internal sealed record BpfProgramInfo(uint Id, string Name, uint VerifiedInstructions, TimeSpan RunTime, ulong RunCount)
{
    public static unsafe BpfProgramInfo Of(int fd)
    {
        Interop.Libbpf.bpf_prog_info info = default;
        var length = (uint)sizeof(Interop.Libbpf.bpf_prog_info);
        BpfException.Check(Interop.Libbpf.bpf_obj_get_info_by_fd(fd, &info, ref length), "read program information");
        var name = Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(info.name));
        return new BpfProgramInfo(info.id, name, info.verified_insns, TimeSpan.FromTicks((long)(info.run_time_ns / 100)), info.run_cnt);
    }

    /// <summary>Null when no program has that id any more.</summary>
    public static BpfProgramInfo? OfId(uint id)
    {
        var fd = Interop.Libbpf.bpf_prog_get_fd_by_id(id);
        if (fd < 0)
        {
            return null;
        }

        using var owner = new FileDescriptor(fd);
        return Of(fd);
    }
}
