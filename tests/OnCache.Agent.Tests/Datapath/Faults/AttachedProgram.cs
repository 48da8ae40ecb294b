using System.Runtime.InteropServices;
using System.Text;
using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Tests.Bpf;

namespace OnCache.Agent.Tests.Datapath.Faults;

/// <summary>A program on a hook, and the maps it reads, as the kernel has them.</summary>
/// <param name="Maps">Ids by the name that the kernel keeps, 15 characters.</param>
internal sealed partial record AttachedProgram(int Device, TcDirection Direction, uint Id, string Name, IReadOnlyDictionary<string, uint> Maps)
{
    private const int MostPrograms = 16;
    private const int MostMaps = 32;
    private const int ProgramInfoBytes = 232;
    private const int MapInfoBytes = 88;
    private const int NameBytes = 16;

    public bool IsOurs => Name.StartsWith(ProgramNames.Prefix, StringComparison.Ordinal);

    /// <summary>All programs on tcx and clsact of the calling thread's network namespace.</summary>
    public static IReadOnlyList<AttachedProgram> All()
    {
        var snapshot = NetworkSnapshotReader.Read();
        var tcx =
            from device in snapshot.Links.Keys
            from direction in Enum.GetValues<TcDirection>()
            from id in OnTcx(device, direction)
            select Of(device, direction, id);
        var filters =
            from filter in snapshot.Filters.Values.SelectMany(static filters => filters)
            where filter.BpfId is not null
            select Of(filter.IfIndex, filter.Direction, filter.BpfId.GetValueOrDefault());
        return [.. tcx.Concat(filters)];
    }

    /// <summary>The value of a map that it reads.</summary>
    public TValue? Read<TKey, TValue>(string map, TKey key)
        where TKey : unmanaged
        where TValue : unmanaged
    {
        using var fd = new FileDescriptor(BpfException.Check(bpf_map_get_fd_by_id(Maps[map]), $"open map {map}"));
        return new BpfMap<TKey, TValue>(map, fd.Value).TryGet(key, out var value) ? value : null;
    }

    private static uint[] OnTcx(int device, TcDirection direction)
    {
        if (!LoadedPrograms.RequireKernel().Tcx)
        {
            return [];
        }

        var ids = new uint[MostPrograms];
        var count = (uint)ids.Length;
        BpfException.Check(bpf_prog_query(device, TcxAttacher.AttachType(direction), 0, out _, ids, ref count), "query the hook");
        return ids[..(int)count];
    }

    /// <summary>linux/bpf.h, struct bpf_prog_info: the name at 64, the number of maps at 52, where to put their ids at 56.</summary>
    private static unsafe AttachedProgram Of(int device, TcDirection direction, uint id)
    {
        using var program = new FileDescriptor(BpfException.Check(Interop.Libbpf.bpf_prog_get_fd_by_id(id), $"open program {id}"));
        var info = stackalloc byte[ProgramInfoBytes];
        var maps = stackalloc uint[MostMaps];
        new Span<byte>(info, ProgramInfoBytes).Clear();
        *(uint*)(info + 52) = MostMaps;
        *(ulong*)(info + 56) = (ulong)maps;
        uint length = ProgramInfoBytes;
        BpfException.Check(Interop.Libbpf.bpf_obj_get_info_by_fd(program.Value, info, ref length), "read program information");
        var read = new Dictionary<string, uint>(StringComparer.Ordinal);
        for (var i = 0; i < *(uint*)(info + 52); i++)
        {
            read[NameOf(maps[i])] = maps[i];
        }

        return new AttachedProgram(device, direction, id, Text(info + 64), read);
    }

    /// <summary>linux/bpf.h, struct bpf_map_info: the name at 24.</summary>
    private static unsafe string NameOf(uint map)
    {
        using var fd = new FileDescriptor(BpfException.Check(bpf_map_get_fd_by_id(map), $"open map {map}"));
        var info = stackalloc byte[MapInfoBytes];
        new Span<byte>(info, MapInfoBytes).Clear();
        uint length = MapInfoBytes;
        BpfException.Check(Interop.Libbpf.bpf_obj_get_info_by_fd(fd.Value, info, ref length), "read map information");
        return Text(info + 24);
    }

    private static unsafe string Text(byte* name)
    {
        var bytes = new ReadOnlySpan<byte>(name, NameBytes);
        return Encoding.UTF8.GetString(bytes[..bytes.IndexOf((byte)0)]);
    }

    [LibraryImport("libbpf.so.1")]
    private static partial int bpf_map_get_fd_by_id(uint id);

    [LibraryImport("libbpf.so.1")]
    private static partial int bpf_prog_query(
        int target, uint type, uint flags, out uint attachFlags, [Out] uint[] programs, ref uint count);
}
