using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd.Fixture;

/// <summary>The kernel's ids of what serves a node.</summary>
internal static class KernelIds
{
    /// <summary>The layout version of the maps in force: the only folder of maps.</summary>
    public static string Version(LabNode node) => Path.GetFileName(Path.GetDirectoryName(Maps(node))!);

    /// <summary>By file name.</summary>
    public static IReadOnlyDictionary<string, uint> OfMaps(LabNode node) => Read(Maps(node), "map_id");

    /// <summary>By file name; none where clsact is used.</summary>
    public static IReadOnlyDictionary<string, uint> OfLinks(LabNode node) => Read(PinDirectory.At(node.BpfRoot).Links, "link_id");

    /// <summary>The program behind each link.</summary>
    public static IReadOnlyDictionary<string, uint> OfPrograms(LabNode node) => Read(PinDirectory.At(node.BpfRoot).Links, "prog_id");

    /// <summary>Our programs by device and direction, whichever way they are attached.</summary>
    public static IReadOnlyDictionary<string, uint> OfAttached(LabNode node) => node.Run(static () =>
    {
        var snapshot = NetworkSnapshotReader.Read();
        var tcx =
            from link in snapshot.Links.Values
            from direction in Enum.GetValues<TcDirection>()
            from id in Footprint.Tcx(link.IfIndex, direction)
            select (Place: $"{link.Name} {direction}", Id: id);
        var filters =
            from filter in snapshot.Filters.Values.SelectMany(static filters => filters)
            where filter.BpfId is not null
            select (Place: $"{snapshot.NameOf(filter.IfIndex)} {filter.Direction}", Id: filter.BpfId.GetValueOrDefault());
        return tcx.Concat(filters)
            .Where(static attached => BpfProgramInfo.OfId(attached.Id)?.Name.StartsWith(ProgramNames.Prefix, StringComparison.Ordinal) == true)
            .OrderBy(static attached => attached.Place, StringComparer.Ordinal)
            .ToDictionary(static attached => attached.Place, static attached => attached.Id);
    });

    private static string Maps(LabNode node) => PinDirectory.At(node.BpfRoot).MapFolders().ShouldHaveSingleItem();

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
