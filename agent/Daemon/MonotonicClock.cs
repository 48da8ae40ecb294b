using System.Diagnostics;

namespace OnCache.Agent.Daemon;

/// <summary>The clock of the programs.</summary>
internal static class MonotonicClock
{
    /// <summary>Nanoseconds of CLOCK_MONOTONIC, on which .NET's Stopwatch is defined on Linux.</summary>
    public static ulong Now() => (ulong)Stopwatch.GetTimestamp() * (ulong)(1_000_000_000 / Stopwatch.Frequency);

    public static ulong Nanoseconds(TimeSpan time) => (ulong)time.Ticks * 100;

    /// <summary>Milliseconds, as conntrack's kfunc takes them, at most what 32 bits hold.</summary>
    public static uint Milliseconds(TimeSpan time) => (uint)Math.Min(time.TotalMilliseconds, uint.MaxValue);
}
