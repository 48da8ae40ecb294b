using System.Globalization;
using OnCache.Lab.Interop;

namespace OnCache.Lab.Namespaces;

/// <summary>A process named so that a reused pid is not taken for it.</summary>
/// <param name="StartTicks">Field 22 of <c>/proc/PID/stat</c>: clock ticks since boot.</param>
public readonly record struct ProcessIdentity(int Pid, long StartTicks)
{
    public static ProcessIdentity Current => Of(Environment.ProcessId) ?? throw new LabException("/proc is not mounted");

    public bool IsAlive => Of(Pid) == this;

    /// <summary>The identity of the process that has this pid now; null when there is none or it is a zombie.</summary>
    public static ProcessIdentity? Of(int pid)
    {
        string stat;
        try
        {
            stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        var fields = Fields(stat);
        return IsOver(fields) ? null : new ProcessIdentity(pid, Ticks(fields));
    }

    /// <summary>Whether a line of <c>/proc/PID/stat</c> describes a process that holds nothing any more.</summary>
    internal static bool IsOver(string stat) => IsOver(Fields(stat));

    /// <summary>The identity of the process that a line of <c>/proc/PID/stat</c> describes.</summary>
    public static ProcessIdentity Parse(string stat)
    {
        ArgumentNullException.ThrowIfNull(stat);
        return new ProcessIdentity(int.Parse(stat[..stat.IndexOf(' ', StringComparison.Ordinal)], CultureInfo.InvariantCulture), Ticks(Fields(stat)));
    }

    /// <summary>Sends a signal; nothing when the process is gone.</summary>
    public void Signal(int number)
    {
        if (IsAlive)
        {
            _ = Libc.kill(Pid, number);
        }
    }

    /// <summary>Asks the process to end, and kills it when it has not ended after <paramref name="grace"/>.</summary>
    public async Task EndAsync(TimeSpan grace, CancellationToken cancellationToken = default)
    {
        if (!IsAlive || Libc.kill(Pid, Libc.SIGTERM) != 0)
        {
            return;
        }

        if (!await IsGoneWithinAsync(grace, cancellationToken) && Libc.kill(Pid, Libc.SIGKILL) == 0)
        {
            await IsGoneWithinAsync(TimeSpan.FromSeconds(5), cancellationToken);
        }
    }

    private async Task<bool> IsGoneWithinAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        for (var waited = TimeSpan.Zero; waited < limit; waited += TimeSpan.FromMilliseconds(10))
        {
            if (!IsAlive)
            {
                return true;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(10), cancellationToken);
        }

        return !IsAlive;
    }

    // The first thread of a process that is being killed may be a zombie while others still hold its sockets.
    private static bool IsOver(string[] fields) => fields[0] == "X" || (fields[0] == "Z" && fields[17] is ("0" or "1"));

    // The fields after the command name, which stands in parentheses and may hold spaces and parentheses itself.
    private static string[] Fields(string stat) => stat[(stat.LastIndexOf(')') + 2)..].Split(' ');

    private static long Ticks(string[] fields) => long.Parse(fields[19], CultureInfo.InvariantCulture);
}
