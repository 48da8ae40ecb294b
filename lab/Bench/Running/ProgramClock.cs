using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OnCache.Lab.Interop;

namespace OnCache.Lab.Bench.Running;

/// <summary>Run time and runs of one eBPF program.</summary>
internal readonly record struct ProgramTime(ulong Nanoseconds, ulong Runs)
{
    public static ProgramTime operator +(ProgramTime a, ProgramTime b) => new(a.Nanoseconds + b.Nanoseconds, a.Runs + b.Runs);

    public static ProgramTime operator -(ProgramTime a, ProgramTime b) => new(a.Nanoseconds - b.Nanoseconds, a.Runs - b.Runs);
}

/// <summary>The kernel's run-time statistics of the programs that an agent has attached, found by its pinned tcx links.</summary>
internal static unsafe class ProgramClock
{
    /// <summary>Has the kernel count until it is disposed. Counting costs every run some ten nanoseconds, so nothing else is to be measured then.</summary>
    public static SafeFileHandle Start()
    {
        const int RunTime = 0;
        uint type = RunTime;
        return Opened(Libc.bpf(Libc.BPF_ENABLE_STATS, &type, sizeof(uint)), "count the run time of programs");
    }

    /// <summary>By name of the program, over all devices of these nodes. Empty where the agent attaches without links (before Linux 6.6).</summary>
    /// <param name="bpfRoots">The folders with the agents' pins.</param>
    public static Dictionary<string, ProgramTime> Read(IEnumerable<string> bpfRoots)
    {
        var times = new Dictionary<string, ProgramTime>(StringComparer.Ordinal);
        foreach (var folder in bpfRoots.Select(root => Path.Combine(root, "links")).Where(Directory.Exists))
        {
            foreach (var path in Directory.EnumerateFiles(folder))
            {
                // The agent names a link PROGRAM-IFINDEX.
                var name = Path.GetFileName(path);
                var program = name[..name.LastIndexOf('-')];
                times[program] = times.GetValueOrDefault(program) + OfLink(path);
            }
        }

        return times;
    }

    private static ProgramTime OfLink(string path)
    {
        using var link = Get(path);
        BpfLinkInfo info;
        Describe(link, &info, (uint)sizeof(BpfLinkInfo), path);
        var id = info.Program;
        using var program = Opened(Libc.bpf(Libc.BPF_PROG_GET_FD_BY_ID, &id, sizeof(uint)), $"open the program of {path}");
        BpfProgramStatistics statistics;
        Describe(program, &statistics, (uint)sizeof(BpfProgramStatistics), path);
        return new ProgramTime(statistics.Nanoseconds, statistics.Runs);
    }

    private static SafeFileHandle Get(string path)
    {
        var text = (byte*)Marshal.StringToCoTaskMemUTF8(path);
        try
        {
            var attributes = new BpfObjectGet { Path = text };
            return Opened(Libc.bpf(Libc.BPF_OBJ_GET, &attributes, (uint)sizeof(BpfObjectGet)), $"open {path}");
        }
        finally
        {
            Marshal.FreeCoTaskMem((nint)text);
        }
    }

    private static void Describe(SafeFileHandle handle, void* info, uint length, string what)
    {
        new Span<byte>(info, (int)length).Clear();
        var attributes = new BpfObjectInfo { Descriptor = (int)handle.DangerousGetHandle(), Length = length, Info = info };
        if (Libc.bpf(Libc.BPF_OBJ_GET_INFO_BY_FD, &attributes, (uint)sizeof(BpfObjectInfo)) != 0)
        {
            throw new LabException($"bpf: cannot describe {what}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    private static SafeFileHandle Opened(int descriptor, string purpose) =>
        descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw new LabException($"bpf: cannot {purpose}: {Marshal.GetLastPInvokeErrorMessage()}");
}
