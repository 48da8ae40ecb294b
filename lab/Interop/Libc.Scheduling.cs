using System.Runtime.InteropServices;

namespace OnCache.Lab.Interop;

internal static unsafe partial class Libc
{
    internal const int CLOCK_THREAD_CPUTIME_ID = 3;

    [LibraryImport("libc")]
    internal static partial int clock_gettime(int clock, TimeSpec* time);


    [LibraryImport("libc")]
    internal static partial int gettid();

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int sched_setaffinity(int tid, nuint size, ulong* mask);
}

/// <summary>struct timespec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TimeSpec
{
    public long Seconds;
    public long Nanoseconds;
}
