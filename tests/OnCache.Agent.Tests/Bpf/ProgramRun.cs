using System.Runtime.InteropServices;

using OnCache.Agent.Bpf;

namespace OnCache.Agent.Tests.Bpf;

/// <summary>What a program finds beside the bytes of a packet.</summary>
/// <param name="IfIndex">The device of the current network namespace that the packet is on.</param>
/// <param name="GsoSize">Payload of each segment that the packet stands for, bytes; 0 for an ordinary packet.</param>
/// <param name="ControlBlock">The first word of the control block; <see cref="TrafficClassIndex"/> makes a tc_index of it.</param>
internal readonly record struct PacketContext(int IfIndex, uint Mark = 0, uint Priority = 0, uint GsoSize = 0, uint ControlBlock = 0);

/// <summary>What a program left behind.</summary>
internal sealed record ProgramOutcome(int Verdict, byte[] Packet, PacketContext Context);

/// <summary>BPF_PROG_TEST_RUN: a program of tc runs over a packet, which then goes nowhere.</summary>
internal static unsafe class ProgramRun
{
    public const int Next = -1;
    public const int Redirect = 7;

    private const int Room = 4096;

    /// <summary>On a thread that is inside the network namespace of the device.</summary>
    public static ProgramOutcome Once(int programFd, ReadOnlySpan<byte> packet, PacketContext context) => Repeatedly(programFd, packet, context, times: 1);

    /// <summary>Each time over the packet as the time before left it; what comes back is of the last.</summary>
    public static ProgramOutcome Repeatedly(int programFd, ReadOnlySpan<byte> packet, PacketContext context, int times)
    {
        var output = new byte[Room];
        var before = new SkBuff
        {
            Mark = context.Mark,
            Priority = context.Priority,
            IfIndex = (uint)context.IfIndex,
            ControlBlock = context.ControlBlock,
            GsoSize = context.GsoSize,
        };
        SkBuff after = default;
        fixed (byte* source = packet, target = output)
        {
            var options = new Interop.Libbpf.bpf_test_run_opts
            {
                sz = (nuint)sizeof(Interop.Libbpf.bpf_test_run_opts),
                data_in = source,
                data_size_in = (uint)packet.Length,
                data_out = target,
                data_size_out = Room,
                ctx_in = &before,
                ctx_size_in = (uint)sizeof(SkBuff),
                ctx_out = &after,
                ctx_size_out = (uint)sizeof(SkBuff),
                repeat = times,
            };
            BpfException.Check(Interop.Libbpf.bpf_prog_test_run_opts(programFd, ref options), $"test run over {packet.Length} bytes");
            return new ProgramOutcome(
                (int)options.retval,
                output[..(int)options.data_size_out],
                new PacketContext((int)after.IfIndex, after.Mark, after.Priority, after.GsoSize));
        }
    }

    /// <summary>linux/bpf.h, struct __sk_buff: the fields that a test run takes and gives.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct SkBuff
    {
        [FieldOffset(8)]
        public uint Mark;

        [FieldOffset(32)]
        public uint Priority;

        [FieldOffset(40)]
        public uint IfIndex;

        [FieldOffset(48)]
        public uint ControlBlock;

        [FieldOffset(176)]
        public uint GsoSize;
    }
}
