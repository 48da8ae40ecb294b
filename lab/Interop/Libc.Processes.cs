using System.Runtime.InteropServices;

namespace OnCache.Lab.Interop;

internal static partial class Libc
{
    internal const int SIGINT = 2;
    internal const int SIGKILL = 9;
    internal const int SIGPIPE = 13;
    internal const int SIGTERM = 15;
    internal const int SIGCONT = 18;
    internal const int SIGSTOP = 19;
    internal const int ENOENT = 2;
    internal const int EACCES = 13;
    internal const nint SIG_DFL = 0;

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int kill(int pid, int signal);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint signal(int number, nint handler);

    [LibraryImport("libc", SetLastError = true)]
    internal static unsafe partial int execvp(byte* file, byte** arguments);

    [LibraryImport("libc")]
    internal static partial uint geteuid();
}
