using System.Diagnostics;
using OnCache.Lab.Interop;

namespace OnCache.Lab.Traffic;

/// <summary>Time and CPU between two moments, seen from the pinned client thread.</summary>
/// <param name="cores">Those that the work is pinned to; none when it is not.</param>
internal sealed unsafe class CpuMeter(IReadOnlyList<int> cores, int serverPid, int serverTid)
{
    private readonly int[] softIrqs = [.. cores.Select(CoreUse.SoftIrqThread).OfType<int>()];

    public Reading Read() => new(
        Stopwatch.GetTimestamp(),
        cores.Count,
        cores.Sum(CoreUse.IdleNanoseconds),
        Own() + CoreUse.ThreadNanoseconds(serverPid, serverTid) + softIrqs.Sum(pid => CoreUse.ThreadNanoseconds(pid, pid)));

    private static long Own()
    {
        // The clock is brought up to date by the call; this thread's schedstat is not until it leaves the core.
        TimeSpec time;
        _ = Libc.clock_gettime(Libc.CLOCK_THREAD_CPUTIME_ID, &time);
        return (time.Seconds * 1_000_000_000) + time.Nanoseconds;
    }

    /// <summary>One reading of all counters, nanoseconds; idle time is the sum over the cores.</summary>
    internal readonly record struct Reading(long Wall, int Cores, long Idle, long Cpu)
    {
        public Usage Since(Reading start)
        {
            var elapsed = Wall - start.Wall;
            return new Usage(elapsed, Cores == 0 ? null : Math.Max(0, (elapsed * Cores) - (Idle - start.Idle)), Cpu - start.Cpu);
        }
    }

    internal readonly record struct Usage(long Elapsed, long? Busy, long Cpu);
}
