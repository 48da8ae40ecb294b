using System.Runtime.InteropServices;

namespace OnCache.Agent.Bpf;

/// <summary>libbpf 1.1 or newer, native names kept. Integer results are 0 or more, or -errno; null pointers leave errno.</summary>
internal static unsafe partial class Interop
{
    internal static partial class Libbpf
    {
        private const string Library = "libbpf.so.1";

        internal const uint BPF_TCX_INGRESS = 46;
        internal const uint BPF_TCX_EGRESS = 47;
        internal const uint BPF_TC_INGRESS = 1;
        internal const uint BPF_TC_EGRESS = 2;
        internal const uint BPF_TC_F_REPLACE = 1;

        [StructLayout(LayoutKind.Sequential)]
        internal struct bpf_tc_hook
        {
            public nuint sz;
            public int ifindex;
            public uint attach_point;
            public uint parent;
            private readonly uint _padding;
        }

        [StructLayout(LayoutKind.Sequential)]
        internal struct bpf_tc_opts
        {
            public nuint sz;
            public int prog_fd;
            public uint flags;
            public uint prog_id;
            public uint handle;
            public uint priority;
            private readonly uint _padding;
        }

        [StructLayout(LayoutKind.Sequential)]
        internal struct bpf_test_run_opts
        {
            public nuint sz;
            public void* data_in;
            public void* data_out;
            public uint data_size_in;
            public uint data_size_out;
            public void* ctx_in;
            public void* ctx_out;
            public uint ctx_size_in;
            public uint ctx_size_out;
            public uint retval;
            public int repeat;
            public uint duration;
            public uint flags;
            public uint cpu;
            public uint batch_size;
        }

        /// <summary>linux/bpf.h, up to the fields that are read.</summary>
        [StructLayout(LayoutKind.Explicit, Size = 232)]
        internal struct bpf_prog_info
        {
            [FieldOffset(4)]
            public uint id;

            [FieldOffset(64)]
            public fixed byte name[16];

            [FieldOffset(192)]
            public ulong run_time_ns;

            [FieldOffset(200)]
            public ulong run_cnt;

            [FieldOffset(216)]
            public uint verified_insns;
        }

        /// <summary>linux/bpf.h, the tcx member of the union.</summary>
        [StructLayout(LayoutKind.Explicit, Size = 64)]
        internal struct bpf_link_info
        {
            [FieldOffset(0)]
            public uint type;

            [FieldOffset(8)]
            public uint prog_id;

            [FieldOffset(16)]
            public uint tcx_ifindex;

            [FieldOffset(20)]
            public uint tcx_attach_type;
        }

        /// <summary>linux/bpf.h, up to the flags.</summary>
        [StructLayout(LayoutKind.Sequential, Size = 80)]
        internal struct bpf_map_info
        {
            public uint type;
            public uint id;
            public uint key_size;
            public uint value_size;
            public uint max_entries;
            public uint map_flags;
        }

        [LibraryImport(Library)]
        internal static partial nint libbpf_set_print(delegate* unmanaged[Cdecl]<int, byte*, void*, int> print);

        [LibraryImport(Library)]
        internal static partial int libbpf_num_possible_cpus();

        [LibraryImport(Library, SetLastError = true)]
        internal static partial nint bpf_object__open_mem(void* data, nuint size, void* options);

        [LibraryImport(Library)]
        internal static partial int bpf_object__load(nint obj);

        [LibraryImport(Library)]
        internal static partial void bpf_object__close(nint obj);

        [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        internal static partial nint bpf_object__find_map_by_name(nint obj, string name);

        [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        internal static partial nint bpf_object__find_program_by_name(nint obj, string name);

        [LibraryImport(Library)]
        internal static partial nint bpf_object__btf(nint obj);

        [LibraryImport(Library)]
        internal static partial int bpf_map__fd(nint map);

        [LibraryImport(Library)]
        internal static partial int bpf_map__set_max_entries(nint map, uint entries);

        [LibraryImport(Library)]
        internal static partial int bpf_map__reuse_fd(nint map, int fd);

        [LibraryImport(Library)]
        internal static partial uint bpf_map__type(nint map);

        [LibraryImport(Library)]
        internal static partial uint bpf_map__key_size(nint map);

        [LibraryImport(Library)]
        internal static partial uint bpf_map__value_size(nint map);

        [LibraryImport(Library)]
        internal static partial uint bpf_map__max_entries(nint map);

        [LibraryImport(Library)]
        internal static partial uint bpf_map__map_flags(nint map);

        [LibraryImport(Library, SetLastError = true)]
        internal static partial void* bpf_map__initial_value(nint map, out nuint size);

        [LibraryImport(Library)]
        internal static partial int bpf_program__fd(nint program);

        [LibraryImport(Library)]
        internal static partial int bpf_program__set_expected_attach_type(nint program, uint type);

        [LibraryImport(Library)]
        internal static partial int bpf_program__set_log_buf(nint program, byte* buffer, nuint size);

        [LibraryImport(Library)]
        internal static partial int bpf_map_lookup_elem(int fd, void* key, void* value);

        [LibraryImport(Library)]
        internal static partial int bpf_map_update_elem(int fd, void* key, void* value, ulong flags);

        [LibraryImport(Library)]
        internal static partial int bpf_map_delete_elem(int fd, void* key);

        [LibraryImport(Library)]
        internal static partial int bpf_map_get_next_key(int fd, void* key, void* next);

        [LibraryImport(Library)]
        internal static partial int bpf_map_lookup_batch(int fd, void* from, void* next, void* keys, void* values, ref uint count, void* options);

        [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int bpf_obj_pin(int fd, string path);

        [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int bpf_obj_get(string path);

        [LibraryImport(Library)]
        internal static partial int bpf_obj_get_info_by_fd(int fd, void* info, ref uint length);

        [LibraryImport(Library)]
        internal static partial int bpf_link_create(int program, int target, uint attachType, void* options);

        [LibraryImport(Library)]
        internal static partial int bpf_link_update(int link, int program, void* options);

        [LibraryImport(Library)]
        internal static partial int bpf_link_detach(int link);

        [LibraryImport(Library)]
        internal static partial int bpf_tc_hook_create(ref bpf_tc_hook hook);

        [LibraryImport(Library)]
        internal static partial int bpf_tc_attach(ref bpf_tc_hook hook, ref bpf_tc_opts options);

        [LibraryImport(Library)]
        internal static partial int bpf_tc_detach(ref bpf_tc_hook hook, ref bpf_tc_opts options);

        [LibraryImport(Library)]
        internal static partial int bpf_tc_query(ref bpf_tc_hook hook, ref bpf_tc_opts options);

        [LibraryImport(Library)]
        internal static partial int bpf_prog_get_fd_by_id(uint id);

        [LibraryImport(Library)]
        internal static partial int bpf_prog_test_run_opts(int program, ref bpf_test_run_opts options);

        [LibraryImport(Library, SetLastError = true)]
        internal static partial void* btf__raw_data(nint btf, out uint size);

    }

    internal static partial class Libc
    {
        private const string Library = "libc";

        internal const int PROT_READ = 1;
        internal const int PROT_WRITE = 2;
        internal const int MAP_SHARED = 1;
        internal const int AT_FDCWD = -100;
        internal const uint RENAME_EXCHANGE = 2;
        internal const long BPF_FS_MAGIC = 0xcafe4a11;
        internal const int O_DIRECTORY = 0x10000;
        internal const int O_CLOEXEC = 0x80000;
        internal const int LOCK_EX = 2;
        internal const int LOCK_NB = 4;

        [StructLayout(LayoutKind.Sequential)]
        internal struct statfs_buffer
        {
            public long f_type;
            private fixed long _rest[32];
        }

        [LibraryImport(Library, SetLastError = true)]
        internal static partial void* mmap(void* address, nuint length, int protection, int flags, int fd, long offset);

        [LibraryImport(Library, SetLastError = true)]
        internal static partial int munmap(void* address, nuint length);

        [LibraryImport(Library, SetLastError = true)]
        internal static partial int close(int fd);

        [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int open(string path, int flags);

        [LibraryImport(Library, SetLastError = true)]
        internal static partial int flock(int fd, int operation);

        [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int statfs(string path, out statfs_buffer buffer);

        [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int renameat2(int fromFolder, string from, int toFolder, string to, uint flags);

        [LibraryImport(Library, SetLastError = true)]
        internal static partial long syscall(long number, long first, long second, long third);

        [LibraryImport(Library)]
        internal static partial int vsnprintf(byte* buffer, nuint size, byte* format, void* arguments);
    }
}
