using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace OnCache.Agent.Bpf;

/// <summary>
/// What libbpf prints while this thread works, kept for the error message instead of going to standard error.
/// libbpf has one print callback for the process, hence the thread-static collector.
/// </summary>
internal static unsafe class LibbpfLog
{
    private const int Warning = 0;

    [ThreadStatic]
    private static List<string>? s_collected;

    /// <summary>Runs <paramref name="action"/> and returns its result with the warnings that libbpf printed meanwhile.</summary>
    public static (T Result, IReadOnlyList<string> Warnings) Collect<T>(Func<T> action)
    {
        Interop.Libbpf.libbpf_set_print(&Print);
        s_collected = [];
        try
        {
            return (action(), s_collected);
        }
        finally
        {
            s_collected = null;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Print(int level, byte* format, void* arguments)
    {
        if (level != Warning || s_collected is not { } collected)
        {
            return 0;
        }

        const int Size = 1024;
        var buffer = stackalloc byte[Size];
        var length = Interop.Libc.vsnprintf(buffer, Size, format, arguments);
        collected.Add(Encoding.UTF8.GetString(buffer, Math.Clamp(length, 0, Size - 1)).Trim());
        return length;
    }
}
