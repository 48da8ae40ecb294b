using System.Globalization;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Fixture;

/// <summary>The kernel refuses some of an agent's system calls, until disposed. By strace, at the system call itself.</summary>
internal sealed class RefusedCalls : IAsyncDisposable
{
    private const int Interrupt = 2;
    private readonly LabProcess tracer;

    private RefusedCalls(LabProcess tracer) => this.tracer = tracer;

    /// <param name="call">Such as <c>bpf</c>; several are separated by commas.</param>
    /// <param name="error">Such as <c>ENOMEM</c>.</param>
    /// <param name="every">Each so many-th call is refused, the first one included.</param>
    public static async Task<RefusedCalls> OfAsync(LabAgent agent, string call, string error, int every)
    {
        var started = agent.Node.StartProcess(
            "strace",
            [
                "-f", "-p", agent.ProcessId.ToString(CultureInfo.InvariantCulture), "-o", "/dev/null", "-e", $"trace={call}",
                "-e", string.Create(CultureInfo.InvariantCulture, $"inject={call}:error={error}:when=1+{every}"),
            ]);
        var calls = new RefusedCalls(started);
        await Eventually.HoldsAsync(() => IsTraced(agent) || started.HasExited, "the agent traced");
        return calls;
    }

    public async ValueTask DisposeAsync()
    {
        // The tracer lets go of the process and ends.
        tracer.Signal(Interrupt);
        _ = await tracer.WaitAsync(CancellationToken.None);
        await tracer.DisposeAsync();
    }

    private static bool IsTraced(LabAgent agent)
    {
        try
        {
            return Directory.GetDirectories($"/proc/{agent.ProcessId}/task")
                .All(static task => File.ReadLines(Path.Combine(task, "status")).Any(static line => line.StartsWith("TracerPid:", StringComparison.Ordinal) && !line.EndsWith("\t0", StringComparison.Ordinal)));
        }
        catch (IOException)
        {
            // A thread, or the process, has just ended.
            return false;
        }
    }
}
