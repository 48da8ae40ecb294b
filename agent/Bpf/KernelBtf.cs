using System.Text;

namespace OnCache.Agent.Bpf;

/// <summary>
/// Which kernel functions can programs call? Answered from the names in the running kernel's type information (BTF), which
/// are read as the bytes they are: building libbpf's index of all types would take as long as loading the programs.
/// </summary>
internal static class KernelBtf
{
    /// <summary>Where the kernel and each module show theirs.</summary>
    public const string Folder = "/sys/kernel/btf";

    private const int ChunkBytes = 256 * 1024;
    private static readonly string[] s_parts = ["vmlinux", "nf_conntrack"];

    /// <summary>Those of the names that the kernel or its conntrack module know; null where the kernel has no BTF.</summary>
    public static IReadOnlySet<string>? TryFind(IReadOnlyCollection<string> names, string folder = Folder)
    {
        if (!File.Exists(Path.Combine(folder, s_parts[0])))
        {
            return null;
        }

        var found = new HashSet<string>(StringComparer.Ordinal);
        foreach (var part in s_parts.Select(part => Path.Combine(folder, part)).Where(File.Exists))
        {
            using var stream = new FileStream(part, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            Find(stream, names, found);
        }

        return found;
    }

    /// <summary>BTF keeps names in one section, each between two zero bytes.</summary>
    private static void Find(Stream stream, IReadOnlyCollection<string> names, HashSet<string> found)
    {
        var patterns = names.ToDictionary(name => name, name => Encoding.ASCII.GetBytes($"\0{name}\0"), StringComparer.Ordinal);
        var overlap = patterns.Values.Max(pattern => pattern.Length) - 1;
        var buffer = new byte[overlap + ChunkBytes];
        var kept = 0;
        int read;
        while ((read = stream.Read(buffer, kept, ChunkBytes)) > 0)
        {
            var window = buffer.AsSpan(0, kept + read);
            foreach (var (name, pattern) in patterns)
            {
                if (!found.Contains(name) && window.IndexOf(pattern) >= 0)
                {
                    found.Add(name);
                }
            }

            // A name may lie across two chunks.
            kept = Math.Min(overlap, window.Length);
            window[^kept..].CopyTo(buffer);
        }
    }
}
