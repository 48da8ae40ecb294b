using System.Runtime.InteropServices;
using OnCache.Agent.Bpf;

namespace OnCache.Agent.Datapath;

/// <summary>
/// Where maps and links stay when the agent goes: ROOT/vN/maps, ROOT/links. The version is that of the layouts, so an
/// agent with other layouts never touches maps it would misread. Links are the same for all, so that an agent of another
/// version replaces the program in a link where it finds one.
/// </summary>
internal sealed class PinDirectory
{
    private const string MapsName = "maps";
    private const string SpareName = "spare";
    private const string LinksName = "links";

    private PinDirectory(string root)
    {
        Root = root;
        Version = Path.Combine(root, $"v{Layout.Version}");
        Maps = Path.Combine(Version, MapsName);
        Spare = Path.Combine(Version, SpareName);
        Links = Path.Combine(root, LinksName);
    }

    public string Root { get; }

    public string Version { get; }

    /// <summary>The maps in force, complete or not there.</summary>
    public string Maps { get; }

    /// <summary>Maps that are about to take the place of <see cref="Maps"/>, or have lost it.</summary>
    public string Spare { get; }

    public string Links { get; }

    public static PinDirectory At(string root) => new(Path.GetFullPath(root));

    /// <summary>Creates the directories.</summary>
    /// <exception cref="DatapathException">The root is not on a BPF filesystem.</exception>
    public void Create()
    {
        var existing = Root;
        while (!Directory.Exists(existing))
        {
            existing = Path.GetDirectoryName(existing)!;
        }

        if (Interop.Libc.statfs(existing, out var buffer) != 0)
        {
            throw new BpfException($"examine the filesystem of {existing}", Marshal.GetLastPInvokeError());
        }

        if (buffer.f_type != Interop.Libc.BPF_FS_MAGIC)
        {
            throw new DatapathException(
                $"--pin-root: {Root} is not on a BPF filesystem; mount one (mount -t bpf bpf /sys/fs/bpf) or name a directory on one");
        }

        Directory.CreateDirectory(Version);
        Directory.CreateDirectory(Links);
    }

    /// <summary>
    /// Keeps other processes from working on these pins until the result is disposed, or this one has ended, in whatever way. Two agents of one node
    /// would undo each other's work.
    /// </summary>
    /// <exception cref="DatapathException">Another one works on them.</exception>
    public FileDescriptor Lock()
    {
        const int WouldBlock = 11;
        var fd = Interop.Libc.open(Root, Interop.Libc.O_DIRECTORY | Interop.Libc.O_CLOEXEC);
        if (fd < 0)
        {
            throw new BpfException($"open {Root}", Marshal.GetLastPInvokeError());
        }

        var locked = new FileDescriptor(fd);
        if (Interop.Libc.flock(fd, Interop.Libc.LOCK_EX | Interop.Libc.LOCK_NB) == 0)
        {
            return locked;
        }

        var errno = Marshal.GetLastPInvokeError();
        locked.Dispose();
        throw errno == WouldBlock
            ? new DatapathException($"--pin-root: another agent works in {Root}; stop it, or choose another directory for another node")
            : new BpfException($"lock {Root}", errno);
    }

    public string MapPath(string map) => Path.Combine(Maps, map);

    /// <summary>Every folder with maps of ours, of any version, complete or half-made.</summary>
    public IReadOnlyList<string> MapFolders() =>
        [.. Versions().SelectMany(static version => new[] { Path.Combine(version, MapsName), Path.Combine(version, SpareName) }).Where(Directory.Exists)];

    /// <summary>Removes all maps but those in <paramref name="keep"/>; what others pinned stays and keeps its folders.</summary>
    public void RemoveMaps(string? keep, IKernelSteps steps)
    {
        foreach (var folder in MapFolders().Where(folder => !string.Equals(folder, keep, StringComparison.Ordinal)))
        {
            RemoveFolder(folder, steps);
        }

        foreach (var version in Versions().Where(static version => !Directory.EnumerateFileSystemEntries(version).Any()))
        {
            Directory.Delete(version);
        }
    }

    /// <summary>Unpins what is in a folder and removes it; none is no error.</summary>
    public static void RemoveFolder(string folder, IKernelSteps steps)
    {
        if (Directory.Exists(folder))
        {
            _ = steps.Do($"remove {folder}", () =>
            {
                Directory.Delete(folder, recursive: true);
                return 0;
            });
        }
    }

    /// <summary>Removes all that we pinned, also of other layout versions; foreign files stay and keep their directories.</summary>
    public void Remove()
    {
        RemoveMaps(keep: null, KernelSteps.Direct);
        RemoveFolder(Links, KernelSteps.Direct);
        if (Directory.Exists(Root) && !Directory.EnumerateFileSystemEntries(Root).Any())
        {
            Directory.Delete(Root);
        }
    }

    private List<string> Versions() => Directory.Exists(Root) ? [.. Directory.EnumerateDirectories(Root).Where(IsVersion)] : [];

    private static bool IsVersion(string directory) =>
        Path.GetFileName(directory) is ['v', .. { Length: > 0 } number] && number.All(char.IsAsciiDigit);
}
