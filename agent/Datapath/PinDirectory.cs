using System.Runtime.InteropServices;
using OnCache.Agent.Bpf;

namespace OnCache.Agent.Datapath;

/// <summary>
/// Where maps and links stay when the agent goes: ROOT/v1/maps, ROOT/v1/links. The version is that of the layouts, so
/// an agent with other layouts never touches maps it would misread.
/// </summary>
internal sealed class PinDirectory
{
    private const string MapsName = "maps";
    private const string LinksName = "links";

    private PinDirectory(string root)
    {
        Root = root;
        Version = Path.Combine(root, $"v{Layout.Version}");
        Maps = Path.Combine(Version, MapsName);
        Links = Path.Combine(Version, LinksName);
    }

    public string Root { get; }

    public string Version { get; }

    public string Maps { get; }

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

        Directory.CreateDirectory(Maps);
        Directory.CreateDirectory(Links);
    }

    public string MapPath(string map) => Path.Combine(Maps, map);

    /// <summary>Removes all that we pinned, also of other layout versions; foreign files stay and keep their directories.</summary>
    public void Remove()
    {
        if (!Directory.Exists(Root))
        {
            return;
        }

        foreach (var version in Directory.EnumerateDirectories(Root).Where(IsVersion).ToList())
        {
            foreach (var folder in new[] { Path.Combine(version, MapsName), Path.Combine(version, LinksName) }.Where(Directory.Exists))
            {
                Directory.Delete(folder, recursive: true);
            }

            DeleteIfEmpty(version);
        }

        DeleteIfEmpty(Root);
    }

    private static bool IsVersion(string directory) =>
        Path.GetFileName(directory) is ['v', .. { Length: > 0 } number] && number.All(char.IsAsciiDigit);

    private static void DeleteIfEmpty(string directory)
    {
        if (!Directory.EnumerateFileSystemEntries(directory).Any())
        {
            Directory.Delete(directory);
        }
    }
}
