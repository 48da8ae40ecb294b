using Microsoft.Win32.SafeHandles;
using OnCache.Lab.Interop;

namespace OnCache.Lab.Bench.Kernel;

/// <summary>Run time and runs of one eBPF program.</summary>
internal readonly record struct ProgramTime(ulong Nanoseconds, ulong Runs)
{
    public static ProgramTime operator +(ProgramTime a, ProgramTime b) => new(a.Nanoseconds + b.Nanoseconds, a.Runs + b.Runs);

    public static ProgramTime operator -(ProgramTime a, ProgramTime b) => new(a.Nanoseconds - b.Nanoseconds, a.Runs - b.Runs);
}

/// <summary>The kernel's run-time statistics of programs.</summary>
internal static unsafe class ProgramClock
{
    /// <summary>Has the kernel count until it is disposed. Counting costs every run some ten nanoseconds, so nothing else is to be measured then.</summary>
    public static SafeFileHandle Start()
    {
        const int RunTime = 0;
        uint type = RunTime;
        return BpfCall.Open(Libc.BPF_ENABLE_STATS, &type, sizeof(uint), "count the run time of programs");
    }

    /// <summary>By name of the program, over all devices of these nodes.</summary>
    /// <param name="bpfRoots">The folders with the agents' pins.</param>
    public static Dictionary<string, ProgramTime> Read(IEnumerable<string> bpfRoots)
    {
        var times = new Dictionary<string, ProgramTime>(StringComparer.Ordinal);
        foreach (var link in bpfRoots.SelectMany(PinnedLink.Under))
        {
            using var program = link.OpenProgram();
            times[link.Program] = times.GetValueOrDefault(link.Program) + Of(program);
        }

        return times;
    }

    public static ProgramTime Of(SafeFileHandle program)
    {
        var statistics = BpfCall.Describe<BpfProgramStatistics>(program, "a program");
        return new ProgramTime(statistics.Nanoseconds, statistics.Runs);
    }
}
