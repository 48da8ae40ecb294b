using System.Runtime.InteropServices;

using OnCache.Agent.Bpf;

namespace OnCache.Agent.Tests.Bpf;

/// <summary>
/// A program that gives its packet the tc_index that a test asks for and goes on as another program: a test run takes no tc_index, but it
/// takes the control block. It can set the mark too, which a packet that runs again and again would lose the first time.
/// </summary>
internal sealed unsafe partial class TrafficClassIndex : IDisposable
{
    private const int BPF_PROG_TYPE_SCHED_CLS = 3;
    private const int BPF_MAP_TYPE_PROG_ARRAY = 3;

    private readonly FileDescriptor _targets;
    private readonly FileDescriptor _program;

    /// <param name="target">The program to go on as.</param>
    /// <param name="attachType">What it was loaded for; 0 for clsact.</param>
    /// <param name="mark">The mark of each packet; as it came when left out.</param>
    public TrafficClassIndex(int target, uint attachType, uint? mark = null)
    {
        _targets = new FileDescriptor(BpfException.Check(
            bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "targets", sizeof(uint), sizeof(uint), 1, 0), "create a map of programs"));
        ReadOnlySpan<ulong> instructions =
        [
            Instruction(0xbf, destination: 6, source: 1), // r6 = context
            Instruction(0x61, destination: 2, source: 6, offset: 48), // r2 = cb[0]
            Instruction(0x63, destination: 6, source: 2, offset: 44), // tc_index = r2
            .. mark is { } value
                ? [Instruction(0xb7, destination: 2, immediate: (int)value), Instruction(0x63, destination: 6, source: 2, offset: 8)] // mark = value
                : ReadOnlySpan<ulong>.Empty,
            Instruction(0xbf, destination: 1, source: 6),
            Instruction(0x18, destination: 2, source: 1, immediate: _targets.Value), // r2 = the map
            0,
            Instruction(0xb7, destination: 3), // r3 = 0
            Instruction(0x85, immediate: 12), // bpf_tail_call
            Instruction(0xb7, immediate: 99), // not reached
            Instruction(0x95),
        ];
        var options = new LoadOptionsOfLibbpf { Size = (nuint)sizeof(LoadOptionsOfLibbpf), ExpectedAttachType = attachType };
        _program = new FileDescriptor(BpfException.Check(
            bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "tc_index", "GPL", instructions, (nuint)instructions.Length, &options), "load a program that sets tc_index"));
        uint first = 0;
        BpfException.Check(Interop.Libbpf.bpf_map_update_elem(_targets.Value, &first, &target, 0), "name the program to go on as");
    }

    public int Descriptor => _program.Value;

    public void Dispose()
    {
        _program.Dispose();
        _targets.Dispose();
    }

    private static ulong Instruction(byte code, int destination = 0, int source = 0, short offset = 0, int immediate = 0) =>
        code | (ulong)(uint)(source << 4 | destination) << 8 | (ulong)(ushort)offset << 16 | (ulong)(uint)immediate << 32;

    /// <summary>The beginning of libbpf's struct bpf_prog_load_opts.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct LoadOptionsOfLibbpf
    {
        public nuint Size;
        public int Attempts;
        public uint ExpectedAttachType;
    }

    [LibraryImport("libbpf.so.1", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int bpf_prog_load(
        int type, string name, string license, ReadOnlySpan<ulong> instructions, nuint count, LoadOptionsOfLibbpf* options);

    [LibraryImport("libbpf.so.1", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int bpf_map_create(int type, string name, uint keySize, uint valueSize, uint maxEntries, nint options);
}
