using System.Runtime.InteropServices;
using OnCache.Lab.Interop;

namespace OnCache.Lab.Namespaces;

/// <summary>Work inside a network namespace: a name (<c>/run/netns/NAME</c>), or the path of one (<c>/proc/PID/ns/net</c>). Failures to enter it are <see cref="LabException"/>.</summary>
/// <remarks>
/// A namespace is entered by a thread made for it, which ends afterwards: a pool thread would carry the namespace into unrelated work.
/// What is created inside (a socket, a process) stays there and can be used from any thread.
/// </remarks>
public static class NetworkNamespace
{
    private const string Folder = "/run/netns";

    public static string PathOf(string name) => Path.Combine(Folder, name);

    public static bool Exists(string name) => File.Exists(PathOf(name));

    /// <summary>The names of all named network namespaces.</summary>
    public static IReadOnlyList<string> List() =>
        Directory.Exists(Folder) ? [.. Directory.EnumerateFiles(Folder).Select(path => Path.GetFileName(path))] : [];

    /// <summary>Runs <paramref name="work"/> on its own thread inside the namespace and waits for it; its exception is rethrown here.</summary>
    public static T Run<T>(string name, Func<T> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        return DedicatedThread.Run($"netns {name}", () =>
        {
            EnterOnThisThread(name);
            return work();
        });
    }

    /// <inheritdoc cref="Run{T}(string, Func{T})"/>
    public static void Run(string name, Action work)
    {
        ArgumentNullException.ThrowIfNull(work);
        _ = Run(name, () =>
        {
            work();
            return true;
        });
    }

    /// <summary>Starts a process inside the namespace; it sees the caller's mounts, /sys/fs/bpf included.</summary>
    public static LabProcess StartProcess(string name, string command, params IReadOnlyList<string> arguments) =>
        Run(name, () => LabProcess.Start(command, arguments));

    /// <summary>Runs a command inside the namespace to its end and returns what it printed. Cancellation ends the command.</summary>
    public static async Task<CommandResult> RunCommandAsync(
        string name, string command, IReadOnlyList<string> arguments, string? input = null, CancellationToken cancellationToken = default)
    {
        await using var process = Run(name, () => LabProcess.Start(command, arguments, input is not null));
        return await process.CompleteAsync(input, cancellationToken);
    }

    /// <summary>Moves the calling thread into the namespace for good.</summary>
    internal static void EnterOnThisThread(string name)
    {
        var fd = Libc.open(PathOf(name), Libc.O_RDONLY | Libc.O_CLOEXEC);
        if (fd < 0)
        {
            throw new LabException($"network namespace {name}: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        try
        {
            if (Libc.setns(fd, Libc.CLONE_NEWNET) != 0)
            {
                throw new LabException($"network namespace {name}: cannot enter: {Marshal.GetLastPInvokeErrorMessage()}");
            }
        }
        finally
        {
            _ = Libc.close(fd);
        }
    }
}
