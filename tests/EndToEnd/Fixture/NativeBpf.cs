using System.Runtime.InteropServices;

namespace OnCache.EndToEnd.Fixture;

/// <summary>Of libbpf what the agent itself does not call: making programs by hand and asking who is attached.</summary>
internal static unsafe partial class NativeBpf
{
    public const int BPF_MAP_TYPE_ARRAY = 2;
    public const int BPF_PROG_TYPE_SCHED_CLS = 3;
    private const string Library = "libbpf.so.1";

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int bpf_map_create(int type, string name, uint keySize, uint valueSize, uint maxEntries, void* options);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int bpf_prog_load(int type, string name, string license, ulong* instructions, nuint count, void* options);

    [LibraryImport(Library)]
    internal static partial int bpf_prog_query(int target, uint type, uint queryFlags, uint* attachFlags, uint* programs, uint* count);
}
