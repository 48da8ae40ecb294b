using System.ComponentModel;

namespace OnCache.Agent.Bpf;

/// <summary>A refused operation of the kernel or libbpf: one line that says what was tried and the system's error.</summary>
internal sealed class BpfException : Exception
{
    public BpfException(string operation, int errno, string? detail = null)
        : base(Describe(operation, errno, detail))
    {
        Errno = errno;
    }

    public int Errno { get; }

    /// <summary>Turns libbpf's "-errno" into the exception; passes results of 0 and more through.</summary>
    public static int Check(int result, string operation) =>
        result >= 0 ? result : throw new BpfException(operation, -result);

    private static string Describe(string operation, int errno, string? detail)
    {
        var text = $"{operation}: {new Win32Exception(errno).Message} (errno {errno})";
        return string.IsNullOrEmpty(detail) ? text : $"{text}: {detail}";
    }
}
