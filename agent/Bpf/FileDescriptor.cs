using Microsoft.Win32.SafeHandles;

namespace OnCache.Agent.Bpf;

/// <summary>Owns a bpf(2) file descriptor: a map, a program or a link.</summary>
internal sealed class FileDescriptor : SafeHandleMinusOneIsInvalid
{
    public FileDescriptor(int fd)
        : base(ownsHandle: true) => SetHandle(fd);

    public int Value => (int)handle;

    protected override bool ReleaseHandle() => Interop.Libc.close((int)handle) == 0;
}
