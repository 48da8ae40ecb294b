using System.Globalization;
using System.Runtime.InteropServices;
using OnCache.Lab.Interop;

namespace OnCache.Lab.Traffic;

/// <summary>The CPU a measurement uses: a core, and the threads that do the work on it.</summary>
public static unsafe class CoreUse
{
    /// <summary>Keeps the calling thread on one core.</summary>
    public static void Pin(int core)
    {
        var mask = 1UL << core;
        if (Libc.sched_setaffinity(0, sizeof(ulong), &mask) != 0)
        {
            throw new LabException($"core {core}: cannot pin to it: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    /// <summary>Idle nanoseconds of a core since boot. Exact while the caller runs on that core.</summary>
    /// <remarks>/proc/timer_list counts nanoseconds where /proc/stat counts hundredths of a second, which is 2 % of a half-second slice.</remarks>
    public static long IdleNanoseconds(int core)
    {
        var exact = File.ReadAllLines("/proc/timer_list");
        // A container runtime hides it behind an empty file; what is left is coarse.
        return exact.Length > 0 ? ParseIdle(exact, core) : ParseCoarseIdle(File.ReadLines("/proc/stat"), core);
    }

    /// <summary>From /proc/stat, in hundredths of a second.</summary>
    internal static long ParseCoarseIdle(IEnumerable<string> stat, int core)
    {
        const long Hundredth = 10_000_000;
        var name = string.Create(CultureInfo.InvariantCulture, $"cpu{core} ");
        // user, nice, system, idle, iowait: proc(5).
        var fields = stat.FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            ?? throw new LabException($"/proc/stat: no core {core}");
        return (long.Parse(fields[4], CultureInfo.InvariantCulture) + long.Parse(fields[5], CultureInfo.InvariantCulture)) * Hundredth;
    }

    internal static long ParseIdle(IEnumerable<string> timerList, int core)
    {
        var header = string.Create(CultureInfo.InvariantCulture, $"cpu: {core}");
        var idle = 0L;
        var found = 0;
        foreach (var line in timerList.SkipWhile(line => line != header).Skip(1).TakeWhile(line => !line.StartsWith("cpu: ", StringComparison.Ordinal)))
        {
            if (line.Contains("idle_sleeptime", StringComparison.Ordinal) || line.Contains("iowait_sleeptime", StringComparison.Ordinal))
            {
                idle += long.Parse(line.Split(':')[1].Trim().Split(' ')[0], CultureInfo.InvariantCulture);
                found++;
            }
        }

        return found == 2 ? idle : throw new LabException($"/proc/timer_list: no idle time of core {core}");
    }

    /// <summary>CPU nanoseconds of a thread, its softirq work included; 0 when it has ended.</summary>
    public static long ThreadNanoseconds(int pid, int tid)
    {
        try
        {
            var text = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/task/{tid}/schedstat"));
            return long.Parse(text.Split(' ')[0], CultureInfo.InvariantCulture);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException or IOException)
        {
            return 0;
        }
    }

    /// <summary>The pid of ksoftirqd of a core, which takes packet work over under load; null when it is not visible.</summary>
    public static int? SoftIrqThread(int core)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"ksoftirqd/{core}");
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
            {
                try
                {
                    if (File.ReadAllText(Path.Combine(folder, "comm")).TrimEnd() == name)
                    {
                        return pid;
                    }
                }
                catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
                {
                    // Ended while the folder was read.
                }
            }
        }

        return null;
    }
}
