using OnCache.Agent.Bpf;

namespace OnCache.Agent.Datapath;

/// <summary>The maps of an earlier agent.</summary>
internal static unsafe class PinnedMaps
{
    /// <summary>All maps in the order of <see cref="MapNames.All"/>, or null where one is missing or of another shape.</summary>
    public static List<FileDescriptor>? TryOpenAll(PinDirectory pins, Func<string, MapShape> wanted, IKernelSteps steps)
    {
        var opened = new List<FileDescriptor>();
        var complete = false;
        try
        {
            foreach (var map in MapNames.All)
            {
                if (TryOpen(pins, map, steps) is not { } fd)
                {
                    return null;
                }

                opened.Add(fd);
                if (ShapeOf(fd) != wanted(map))
                {
                    return null;
                }
            }

            complete = true;
            return opened;
        }
        finally
        {
            if (!complete)
            {
                opened.ForEach(static item => item.Dispose());
            }
        }
    }

    public static FileDescriptor? TryOpen(PinDirectory pins, string map, IKernelSteps? steps = null)
    {
        var path = pins.MapPath(map);
        return File.Exists(path)
            ? new FileDescriptor((steps ?? KernelSteps.Direct).Do($"open the pinned map {path}", () => Interop.Libbpf.bpf_obj_get(path)))
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
