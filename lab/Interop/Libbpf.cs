using System.Runtime.InteropServices;

namespace OnCache.Lab.Interop;

/// <summary>Access to pinned maps. Integers below zero are -errno.</summary>
internal static unsafe partial class Libbpf
{
    private const string Library = "libbpf.so.1";

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int bpf_obj_get(string path);

    [LibraryImport(Library)]
    internal static partial int bpf_map_lookup_elem(int map, void* key, void* value);

    [LibraryImport(Library)]
    internal static partial int bpf_map_update_batch(int map, void* keys, void* values, uint* count, void* options);
}
