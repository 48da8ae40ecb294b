using System.Diagnostics;
using System.Globalization;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Cluster;

/// <summary>
/// The long-running processes of one cluster. They outlive the process that starts them, write to a log file each, and are known by name:
/// a file each that holds pid and start time.
/// </summary>
internal sealed class Daemons(ClusterNames names)
{
    // Becomes the daemon without a fork in between: the pid that was started is the daemon's.
    private const string Launch = """cd "$1" && exec >>"$2" 2>&1 </dev/null && shift 2 && exec "$@" """;

    public string LogFile(string daemon) => Path.Combine(names.LogFolder, $"{daemon}.log");

    /// <summary>Starts a daemon in a folder, and in a network namespace when one is named.</summary>
    /// <param name="path">Searched for programs before the usual folders.</param>
    public ProcessIdentity Start(
        string daemon, string? networkNamespace, string folder, string path, string program, IReadOnlyList<string> arguments)
    {
        Directory.CreateDirectory(names.LogFolder);
        Directory.CreateDirectory(names.ProcessFolder);
        var start = new ProcessStartInfo("setsid", ["/bin/sh", "-c", Launch, "sh", folder, LogFile(daemon), program, .. arguments])
        {
            UseShellExecute = false,
            Environment = { ["PATH"] = $"{path}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
        };
        using var process = networkNamespace is null ? Process.Start(start) : NetworkNamespace.Run(networkNamespace, () => Process.Start(start));
        var identity = ProcessIdentity.Of(process!.Id) ?? throw new LabException($"{daemon}: ended at once: {LastWords(daemon)}");
        Adopt(daemon, identity);
        return identity;
    }

    /// <summary>Makes a process that another started one of the cluster's.</summary>
    public void Adopt(string daemon, ProcessIdentity identity) =>
        File.WriteAllText(FileOf(daemon), string.Create(CultureInfo.InvariantCulture, $"{identity.Pid} {identity.StartTicks}"));

    /// <summary>The daemon of this name when it runs. A pid whose start time differs belongs to somebody else.</summary>
    public ProcessIdentity? Running(string daemon)
    {
        try
        {
            var words = File.ReadAllText(FileOf(daemon)).Split(' ');
            return words.Length == 2
                && int.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var ticks)
                && new ProcessIdentity(pid, ticks) is { IsAlive: true } process
                    ? process
                    : null;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>The names of those that run.</summary>
    public IReadOnlyList<string> ListRunning() =>
        Directory.Exists(names.ProcessFolder)
            ? [.. Directory.EnumerateFiles(names.ProcessFolder).Select(file => Path.GetFileName(file)).Where(name => Running(name) is not null).Order(StringComparer.Ordinal)]
            : [];

    /// <summary>Asks a daemon to end and kills it when it has not after <paramref name="grace"/>. Nothing when it does not run.</summary>
    public async Task StopAsync(string daemon, TimeSpan grace, CancellationToken cancellationToken)
    {
        if (Running(daemon) is { } process)
        {
            await process.EndAsync(grace, cancellationToken);
            if (process.IsAlive)
            {
                throw new LabException($"{daemon}: process {process.Pid} does not end");
            }
        }

        if (Directory.Exists(names.ProcessFolder))
        {
            File.Delete(FileOf(daemon));
        }
    }

    /// <summary>The line of a daemon's log that most likely says why it ended.</summary>
    public string LastWords(string daemon)
    {
        var file = LogFile(daemon);
        var lines = File.Exists(file) ? File.ReadAllLines(file) : [];
        return (lines.LastOrDefault(IsFatal) ?? lines.LastOrDefault(line => line.Length > 0) ?? "it said nothing").Trim();
    }

    // A bad flag is an "Error:"; klog begins a fatal error with F and the date; Go's runtime says what a dump of all routines is about.
    private static bool IsFatal(string line) =>
        ((string[])["Error: ", "panic: ", "fatal error: "]).Any(start => line.StartsWith(start, StringComparison.Ordinal))
        || (line.Length > 5 && line[0] == 'F' && line[1..5].All(char.IsAsciiDigit));

    private string FileOf(string daemon) => Path.Combine(names.ProcessFolder, daemon);
}
