using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using OnCache.Lab.Interop;

namespace OnCache.Lab.Bench.Kernel;

/// <summary>A program of tc over one packet, which goes nowhere then.</summary>
/// <param name="program">The program.</param>
/// <param name="device">Index of the device that the packet is on; it must be in the calling thread's network namespace.</param>
/// <param name="mark">skb->mark.</param>
internal sealed unsafe class TestRun(SafeFileHandle program, int device, uint mark = 0)
{
    // struct __sk_buff: the kernel takes these two and wants zeros where it takes nothing.
    private const int ContextSize = 192;
    private const int MarkOffset = 8;
    private const int DeviceOffset = 40;
    private readonly byte[] context = Context(device, mark);

    /// <summary>What the program returned.</summary>
    public int Run(ReadOnlySpan<byte> packet)
    {
        fixed (byte* input = packet)
        fixed (byte* given = context)
        {
            var attributes = new BpfTestRun
            {
                Descriptor = (int)program.DangerousGetHandle(),
                Input = input,
                InputSize = (uint)packet.Length,
                ContextInput = given,
                ContextInputSize = ContextSize,
                Repeat = 1,
            };
            _ = BpfCall.Do(Libc.BPF_PROG_TEST_RUN, &attributes, (uint)sizeof(BpfTestRun), "run a program over a packet");
            return attributes.Result;
        }
    }

    private static byte[] Context(int device, uint mark)
    {
        var bytes = new byte[ContextSize];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(MarkOffset), mark);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(DeviceOffset), device);
        return bytes;
    }
}
