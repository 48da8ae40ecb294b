using System.Runtime.InteropServices;

namespace OnCache.Lab.Interop;

internal static unsafe partial class Libc
{
    internal const int BPF_MAP_CREATE = 0;
    internal const int BPF_MAP_LOOKUP_ELEM = 1;
    internal const int BPF_MAP_UPDATE_ELEM = 2;
    internal const int BPF_MAP_DELETE_ELEM = 3;
    internal const int BPF_MAP_GET_NEXT_KEY = 4;
    internal const int BPF_OBJ_GET = 7;
    internal const int BPF_PROG_TEST_RUN = 10;
    internal const int BPF_PROG_GET_FD_BY_ID = 13;
    internal const int BPF_OBJ_GET_INFO_BY_FD = 15;
    internal const int BPF_MAP_UPDATE_BATCH = 26;
    internal const int BPF_ENABLE_STATS = 32;
    private const long SystemCallBpf = 321;

    /// <summary>bpf(2) has no wrapper in the C library. A descriptor or 0; -1 with errno.</summary>
    internal static int bpf(int command, void* attributes, uint size) => (int)syscall(SystemCallBpf, command, attributes, size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, long first, void* second, ulong third);
}

/// <summary>union bpf_attr of BPF_MAP_CREATE, as far as it is needed.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct BpfMapCreate
{
    public uint Type;
    public uint KeySize;
    public uint ValueSize;
    public uint MaxEntries;
    public uint Flags;
}

/// <summary>union bpf_attr of the commands on one element.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct BpfMapElement
{
    public ulong Descriptor;
    public byte* Key;
    public byte* Value;
    public ulong Flags;
}

/// <summary>union bpf_attr of the commands on many elements.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct BpfMapBatch
{
    public void* InBatch;
    public void* OutBatch;
    public byte* Keys;
    public byte* Values;
    public uint Count;
    public int Descriptor;
    public ulong ElementFlags;
    public ulong Flags;
}

/// <summary>union bpf_attr of BPF_PROG_TEST_RUN.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct BpfTestRun
{
    public int Descriptor;
    public int Result;
    public uint InputSize;
    public uint OutputSize;
    public byte* Input;
    public byte* Output;
    public uint Repeat;
    public uint Duration;
    public uint ContextInputSize;
    public uint ContextOutputSize;
    public void* ContextInput;
    public void* ContextOutput;
    public uint Flags;
    public uint Cpu;
    public uint BatchSize;
}

/// <summary>union bpf_attr of BPF_OBJ_GET.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct BpfObjectGet
{
    public byte* Path;
    public int Descriptor;
    public uint Flags;
}

/// <summary>union bpf_attr of BPF_OBJ_GET_INFO_BY_FD.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct BpfObjectInfo
{
    public int Descriptor;
    public uint Length;
    public void* Info;
}

/// <summary>The head of struct bpf_link_info.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct BpfLinkInfo
{
    public uint Type;
    public uint Id;
    public uint Program;
}

/// <summary>The head of struct bpf_map_info.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct BpfMapInfo
{
    public uint Type;
    public uint Id;
    public uint KeySize;
    public uint ValueSize;
    public uint MaxEntries;
    public uint Flags;
}

/// <summary>struct bpf_prog_info, as far as the run-time statistics.</summary>
[StructLayout(LayoutKind.Explicit, Size = 208)]
internal struct BpfProgramStatistics
{
    [FieldOffset(192)]
    public ulong Nanoseconds;

    [FieldOffset(200)]
    public ulong Runs;
}
