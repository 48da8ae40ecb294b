using System.Globalization;
using OnCache.Lab.Cluster.Nodes;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Cluster;

/// <summary>A process of a pod that neither works nor ends, until disposed.</summary>
internal sealed class FrozenProcess : IDisposable
{
    private const int Terminate = 15;
    private const int Stop = 19;
    private const int Continue = 18;
    private readonly ProcessIdentity process;

    private FrozenProcess(ProcessIdentity process)
    {
        this.process = process;
        process.Signal(Stop);
    }

    /// <param name="pod">Where.</param>
    /// <param name="command">As in <c>/proc/PID/comm</c>: at most 15 characters.</param>
    public static FrozenProcess Of(ClusterPod pod, string command) =>
        new(pod.FindProcess(command) ?? throw new InvalidOperationException($"no {command} runs in {pod}"));

    /// <summary>Whether SIGTERM waits for it.</summary>
    public bool IsToldToEnd => (PendingSignals() & (1UL << (Terminate - 1))) != 0;

    public void Dispose() => process.Signal(Continue);

    private ulong PendingSignals()
    {
        const string Field = "ShdPnd:";
        var line = File.ReadLines(FormattableString.Invariant($"/proc/{process.Pid}/status")).Single(static line => line.StartsWith(Field, StringComparison.Ordinal));
        return ulong.Parse(line.AsSpan(Field.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
