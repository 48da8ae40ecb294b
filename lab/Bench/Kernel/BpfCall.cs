using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OnCache.Lab.Interop;

namespace OnCache.Lab.Bench.Kernel;

/// <summary>bpf(2) with failures as <see cref="LabException"/>.</summary>
internal static unsafe class BpfCall
{
    /// <summary>A command that returns a descriptor.</summary>
    public static SafeFileHandle Open(int command, void* attributes, uint size, string purpose) => new(Do(command, attributes, size, purpose), ownsHandle: true);

    public static int Do(int command, void* attributes, uint size, string purpose)
    {
        var result = Libc.bpf(command, attributes, size);
        return result >= 0 ? result : throw new LabException($"bpf: cannot {purpose}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>What is pinned at a path.</summary>
    public static SafeFileHandle OpenPinned(string path)
    {
        var text = (byte*)Marshal.StringToCoTaskMemUTF8(path);
        try
        {
            var attributes = new BpfObjectGet { Path = text };
            return Open(Libc.BPF_OBJ_GET, &attributes, (uint)sizeof(BpfObjectGet), $"open {path}");
        }
        finally
        {
            Marshal.FreeCoTaskMem((nint)text);
        }
    }

    /// <summary>What the kernel tells of a program, map or link.</summary>
    public static T Describe<T>(SafeFileHandle handle, string what)
        where T : unmanaged
    {
        T info = default;
        var attributes = new BpfObjectInfo { Descriptor = (int)handle.DangerousGetHandle(), Length = (uint)sizeof(T), Info = &info };
        _ = Do(Libc.BPF_OBJ_GET_INFO_BY_FD, &attributes, (uint)sizeof(BpfObjectInfo), $"describe {what}");
        return info;
    }
}
