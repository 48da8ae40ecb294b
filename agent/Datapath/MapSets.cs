using System.Runtime.InteropServices;
using OnCache.Agent.Bpf;

namespace OnCache.Agent.Datapath;

/// <summary>
/// The pinned maps of this agent and of those before it. A set comes and goes as a whole: epochs in one mean nothing
/// beside entries of another. A set that is out of use stays pinned until no program reads it, and nothing in it counts.
/// </summary>
internal sealed class MapSets(PinDirectory pins, IKernelSteps steps)
{
    /// <summary>Whether the set in force is the one with this configuration.</summary>
    public bool InForce(int config)
    {
        var path = pins.MapPath(MapNames.Config);
        if (!File.Exists(path))
        {
            return false;
        }

        using var pinned = new FileDescriptor(steps.Do($"open the pinned map {path}", () => Interop.Libbpf.bpf_obj_get(path)));
        return IdOf(pinned.Value) == IdOf(config);
    }

    /// <summary>
    /// Pins new maps beside those in force, then lets both change places in one step: whoever dies in between leaves one
    /// complete set in force.
    /// </summary>
    public void Commit(Func<string, int> mapFd)
    {
        // Half-made, or superseded and still read by a program that nobody could replace.
        Retire(pins.Spare);
        PinDirectory.RemoveFolder(pins.Spare, steps);
        _ = steps.Do($"create {pins.Spare}", () =>
        {
            Directory.CreateDirectory(pins.Spare);
            return 0;
        });
        foreach (var map in MapNames.All)
        {
            var path = Path.Combine(pins.Spare, map);
            _ = steps.Do($"pin map {path}", () => Interop.Libbpf.bpf_obj_pin(mapFd(map), path));
        }

        var flags = Directory.Exists(pins.Maps) ? Interop.Libc.RENAME_EXCHANGE : 0;
        _ = steps.Do($"put {pins.Spare} in the place of {pins.Maps}", () =>
            Interop.Libc.renameat2(Interop.Libc.AT_FDCWD, pins.Spare, Interop.Libc.AT_FDCWD, pins.Maps, flags) == 0
                ? 0
                : -Marshal.GetLastPInvokeError());
    }

    /// <summary>Programs that still read other maps than those in force hand everything to the CNI from now on.</summary>
    public void RetireOthers()
    {
        foreach (var folder in pins.MapFolders().Where(folder => !string.Equals(folder, pins.Maps, StringComparison.Ordinal)))
        {
            Retire(folder);
        }
    }

    /// <summary>Once no program reads them any more.</summary>
    public void RemoveOthers() => pins.RemoveMaps(pins.Maps, steps);

    /// <summary>What an agent of any version noted of the setting of conntrack that it found: its value plus 1, or 0.</summary>
    public uint SavedTcpBeLiberal()
    {
        foreach (var folder in pins.MapFolders())
        {
            using var head = OpenHead(folder);
            if (head is not null && head[0].SavedTcpBeLiberal is not 0 and var saved)
            {
                return saved;
            }
        }

        return 0;
    }

    private unsafe uint IdOf(int map)
    {
        Interop.Libbpf.bpf_map_info info = default;
        _ = steps.Do("read map information", () =>
        {
            Interop.Libbpf.bpf_map_info read = default;
            var length = (uint)sizeof(Interop.Libbpf.bpf_map_info);
            var result = Interop.Libbpf.bpf_obj_get_info_by_fd(map, &read, ref length);
            info = read;
            return result;
        });
        return info.id;
    }

    private void Retire(string folder)
    {
        using var head = OpenHead(folder);
        if (head is not null)
        {
            Volatile.Write(ref head[0].HeartbeatDeadline, 0);
        }
    }

    private MappedArray<ConfigHead>? OpenHead(string folder)
    {
        var path = Path.Combine(folder, MapNames.Config);
        if (!File.Exists(path))
        {
            return null;
        }

        using var config = new FileDescriptor(steps.Do($"open the pinned map {path}", () => Interop.Libbpf.bpf_obj_get(path)));
        return new MappedArray<ConfigHead>(MapNames.Config, config.Value, 1, steps);
    }
}
