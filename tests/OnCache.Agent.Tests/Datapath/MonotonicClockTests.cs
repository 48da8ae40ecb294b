using System.Runtime.InteropServices;

using OnCache.Agent.Daemon;

namespace OnCache.Agent.Tests.Datapath;

public sealed partial class MonotonicClockTests
{
    private const int CLOCK_MONOTONIC = 1;

    [Fact]
    public void The_clock_is_that_of_the_programs()
    {
        var before = Native();
        var now = MonotonicClock.Now();
        var after = Native();

        now.ShouldBeInRange(before, after);
    }

    [Fact]
    public void Spans_become_nanoseconds_and_milliseconds()
    {
        MonotonicClock.Nanoseconds(TimeSpan.FromSeconds(30)).ShouldBe(30_000_000_000UL);
        MonotonicClock.Milliseconds(TimeSpan.FromDays(5)).ShouldBe(432_000_000u);
        MonotonicClock.Milliseconds(TimeSpan.FromDays(100)).ShouldBe(uint.MaxValue, "conntrack takes no more than 32 bits hold");
    }

    private static ulong Native()
    {
        clock_gettime(CLOCK_MONOTONIC, out var time).ShouldBe(0);
        return (ulong)time.Seconds * 1_000_000_000 + (ulong)time.Nanoseconds;
    }

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, out Timespec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
