using OnCache.Agent.Bpf;

namespace OnCache.Agent.Datapath;

/// <summary>The maps of an earlier agent.</summary>
internal static unsafe class PinnedMaps
{
    /// <summary>All maps in the order of <see cref="MapNames.All"/>, or null where one is missing or of another shape.</summary>
    public static List<FileDescriptor>? TryOpenAll(PinDirectory pins, Func<string, MapShape> wanted)
    {
        var opened = new List<FileDescriptor>();
        foreach (var map in MapNames.All)
        {
            if (TryOpen(pins, map) is { } fd)
            {
                opened.Add(fd);
                if (ShapeOf(fd) == wanted(map))
                {
                    continue;
                }
            }

            opened.ForEach(item => item.Dispose());
            return null;
        }

        return opened;
    }

    public static FileDescriptor? TryOpen(PinDirectory pins, string map)
    {
        var path = pins.MapPath(map);
        return File.Exists(path)
            ? new FileDescriptor(BpfException.Check(Interop.Libbpf.bpf_obj_get(path), $"open the pinned map {path}"))
            : null;
    }

    public static MapShape ShapeOf(FileDescriptor map)
    {
        Interop.Libbpf.bpf_map_info info = default;
        var length = (uint)sizeof(Interop.Libbpf.bpf_map_info);
        BpfException.Check(Interop.Libbpf.bpf_obj_get_info_by_fd(map.Value, &info, ref length), "read map information");
        return new MapShape(info.type, info.key_size, info.value_size, info.max_entries, info.map_flags);
    }
}
