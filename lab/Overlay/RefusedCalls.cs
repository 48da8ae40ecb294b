using System.Globalization;
using OnCache.Lab.Interop;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Overlay;

/// <summary>The kernel refuses some of a process's system calls, until disposed. By strace, at the system call itself.</summary>
public sealed class RefusedCalls : IAsyncDisposable
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(5);
    private readonly LabProcess tracer;
    private readonly string protocol;

    private RefusedCalls(LabProcess tracer, string protocol)
    {
        this.tracer = tracer;
        this.protocol = protocol;
    }

    /// <summary>How many calls were refused; known once this is disposed.</summary>
    public int Count { get; private set; }

    /// <param name="member">Where the process runs.</param>
    /// <param name="processId">The process.</param>
    /// <param name="calls">Such as <c>bpf</c>; several are separated by commas.</param>
    /// <param name="error">Such as <c>ENOMEM</c>.</param>
    /// <param name="every">Each so many-th call of a thread is refused, its first one included.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Once all of its threads are concerned, or it has ended.</returns>
    /// <exception cref="LabException">The process lives and cannot be traced.</exception>
    public static async Task<RefusedCalls> OfAsync(LabMember member, int processId, string calls, string error, int every, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(member);
        var file = Path.GetTempFileName();
        var started = member.StartProcess(
            "strace",
            "-f", "-p", processId.ToString(CultureInfo.InvariantCulture), "-o", file, "-e", $"trace={calls}",
            "-e", string.Create(CultureInfo.InvariantCulture, $"inject={calls}:error={error}:when=1+{every}"));
        var refused = new RefusedCalls(started, file);
        try
        {
            while (!started.HasExited && !IsTraced(processId))
            {
                await Task.Delay(Poll, cancellationToken);
            }

            if (started.HasExited && Directory.Exists($"/proc/{processId}"))
            {
                throw new LabException($"strace ended at once: {(await started.WaitAsync(cancellationToken)).Error.Trim()}");
            }

            return refused;
        }
        catch
        {
            await refused.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        // The tracer lets go of the process and ends.
        tracer.Signal(Libc.SIGINT);
        _ = await tracer.WaitAsync(CancellationToken.None);
        await tracer.DisposeAsync();
        Count = File.ReadLines(protocol).Count(static line => line.EndsWith("(INJECTED)", StringComparison.Ordinal));
        File.Delete(protocol);
    }

    private static bool IsTraced(int processId)
    {
        try
        {
            return Directory.GetDirectories($"/proc/{processId}/task").All(static task =>
                File.ReadLines(Path.Combine(task, "status")).Any(static line => line.StartsWith("TracerPid:", StringComparison.Ordinal) && !line.EndsWith("\t0", StringComparison.Ordinal)));
        }
        catch (IOException)
        {
            // A thread, or the process, has just ended.
            return false;
        }
    }
}
