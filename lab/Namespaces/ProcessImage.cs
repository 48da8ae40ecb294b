using System.Runtime.InteropServices;
using OnCache.Lab.Interop;

namespace OnCache.Lab.Namespaces;

/// <summary>The program this process runs.</summary>
internal static class ProcessImage
{
    private const int NotFound = 127;
    private const int NotExecutable = 126;

    /// <summary>
    /// Becomes another program inside a network namespace, with the same pid, streams and terminal, so that signals and the exit status need no
    /// relaying. Returns only on failure, with the status a shell would give.
    /// </summary>
    /// <param name="networkNamespace">Null for the one this process is in.</param>
    public static unsafe int Replace(string? networkNamespace, string[] command)
    {
        if (networkNamespace is not null)
        {
            NetworkNamespace.EnterOnThisThread(networkNamespace);
        }

        // The runtime ignores SIGPIPE, and an ignored signal stays ignored across exec: the program would not end with its reader.
        _ = Libc.signal(Libc.SIGPIPE, Libc.SIG_DFL);
        var arguments = (byte**)NativeMemory.AllocZeroed((nuint)command.Length + 1, (nuint)sizeof(byte*));
        for (var index = 0; index < command.Length; index++)
        {
            arguments[index] = (byte*)Marshal.StringToCoTaskMemUTF8(command[index]);
        }

        _ = Libc.execvp(arguments[0], arguments);
        var error = Marshal.GetLastPInvokeError();
        for (var index = 0; index < command.Length; index++)
        {
            Marshal.FreeCoTaskMem((nint)arguments[index]);
        }

        NativeMemory.Free(arguments);
        Console.Error.WriteLine($"oncache-lab: {command[0]}: {Marshal.GetPInvokeErrorMessage(error)}");
        return error == Libc.ENOENT ? NotFound : NotExecutable;
    }
}
