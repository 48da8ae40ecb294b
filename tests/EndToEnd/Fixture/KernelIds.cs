using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd.Fixture;

/// <summary>The kernel's ids of pinned objects, by file name.</summary>
internal static class KernelIds
{
    public static IReadOnlyDictionary<string, uint> OfMaps(LabNode node) => Read(PinDirectory.At(node.BpfRoot).Maps, "map_id");

    public static IReadOnlyDictionary<string, uint> OfLinks(LabNode node) => Read(PinDirectory.At(node.BpfRoot).Links, "link_id");

    /// <summary>The program behind each link.</summary>
    public static IReadOnlyDictionary<string, uint> OfPrograms(LabNode node) => Read(PinDirectory.At(node.BpfRoot).Links, "prog_id");

    private static Dictionary<string, uint> Read(string folder, string field) =>
        Directory.EnumerateFiles(folder).ToDictionary(static path => Path.GetFileName(path), path => Id(path, field));

    private static uint Id(string path, string field)
    {
        using var pinned = new FileDescriptor(BpfException.Check(Interop.Libbpf.bpf_obj_get(path), $"open {path}"));
        var line = File.ReadLines($"/proc/self/fdinfo/{pinned.Value}")
            .Single(text => text.StartsWith($"{field}:", StringComparison.Ordinal));
        return uint.Parse(line.AsSpan(field.Length + 1).Trim());
    }
}
