using System.Diagnostics;
using OnCache.Lab.Interop;

namespace OnCache.Lab.Traffic;

/// <summary>Time and CPU between two moments, seen from the pinned client thread.</summary>
internal sealed unsafe class CpuMeter(int? core, int serverPid, int serverTid)
{
    private readonly int? softIrq = core is { } number ? CoreUse.SoftIrqThread(number) : null;

    public Reading Read() => new(
        Stopwatch.GetTimestamp(),
        core is { } number ? CoreUse.IdleNanoseconds(number) : null,
        Own() + CoreUse.ThreadNanoseconds(serverPid, serverTid) + (softIrq is { } pid ? CoreUse.ThreadNanoseconds(pid, pid) : 0));

    private static long Own()
    {
        // The clock is brought up to date by the call; this thread's schedstat is not until it leaves the core.
        TimeSpec time;
        _ = Libc.clock_gettime(Libc.CLOCK_THREAD_CPUTIME_ID, &time);
        return (time.Seconds * 1_000_000_000) + time.Nanoseconds;
    }

    /// <summary>One reading of all counters, nanoseconds.</summary>
    internal readonly record struct Reading(long Wall, long? Idle, long Cpu)
    {
        public Usage Since(Reading start)
        {
            var elapsed = Wall - start.Wall;
            return new Usage(elapsed, Idle is { } now && start.Idle is { } then ? Math.Max(0, elapsed - (now - then)) : null, Cpu - start.Cpu);
        }
    }

    internal readonly record struct Usage(long Elapsed, long? Busy, long Cpu);
}
