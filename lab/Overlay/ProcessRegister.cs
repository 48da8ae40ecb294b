using System.Globalization;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Overlay;

/// <summary>The processes a lab has started: one file each, named by pid and holding its start time, so writers never meet.</summary>
internal sealed class ProcessRegister(LabNames names)
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    public void Add(ProcessIdentity process)
    {
        Directory.CreateDirectory(names.ProcessFolder);
        File.WriteAllText(FileOf(process.Pid), process.StartTicks.ToString(CultureInfo.InvariantCulture));
    }

    public void Remove(ProcessIdentity process)
    {
        if (Directory.Exists(names.ProcessFolder))
        {
            File.Delete(FileOf(process.Pid));
        }
    }

    /// <summary>Ends those that still run. A pid whose start time differs belongs to somebody else and is left alone.</summary>
    public Task EndAllAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(Running().Select(process => process.EndAsync(Grace, cancellationToken)));

    public IReadOnlyList<ProcessIdentity> Running()
    {
        if (!Directory.Exists(names.ProcessFolder))
        {
            return [];
        }

        var running = new List<ProcessIdentity>();
        foreach (var file in Directory.EnumerateFiles(names.ProcessFolder))
        {
            if (int.TryParse(Path.GetFileName(file), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && ReadTicks(file) is { } ticks
                && new ProcessIdentity(pid, ticks) is { IsAlive: true } process)
            {
                running.Add(process);
            }
        }

        return running;
    }

    private static long? ReadTicks(string file)
    {
        try
        {
            return long.TryParse(File.ReadAllText(file), NumberStyles.None, CultureInfo.InvariantCulture, out var ticks) ? ticks : null;
        }
        catch (FileNotFoundException)
        {
            // It ended, and its entry with it, while the folder was read.
            return null;
        }
    }

    private string FileOf(int pid) => Path.Combine(names.ProcessFolder, pid.ToString(CultureInfo.InvariantCulture));
}
