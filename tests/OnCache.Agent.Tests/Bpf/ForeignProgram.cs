using System.Runtime.InteropServices;

using OnCache.Agent.Bpf;

namespace OnCache.Agent.Tests.Bpf;

/// <summary>Somebody else's program of tc, which lets every packet pass to the next one.</summary>
internal sealed partial class ForeignProgram : IDisposable
{
    public const string Name = "theirs";

    private const int BPF_PROG_TYPE_SCHED_CLS = 3;

    private readonly FileDescriptor _program;

    public ForeignProgram()
    {
        // r0 = -1; exit
        ReadOnlySpan<ulong> instructions = [0xffff_ffff_0000_00b7, 0x95];
        _program = new FileDescriptor(BpfException.Check(
            bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, Name, "GPL", instructions, (nuint)instructions.Length, 0),
            "load a program of two instructions"));
    }

    public int Descriptor => _program.Value;

    public uint Id => BpfProgramInfo.Of(Descriptor).Id;

    public void Dispose() => _program.Dispose();

    [LibraryImport("libbpf.so.1", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int bpf_prog_load(
        int type, string name, string license, ReadOnlySpan<ulong> instructions, nuint count, nint options);
}
