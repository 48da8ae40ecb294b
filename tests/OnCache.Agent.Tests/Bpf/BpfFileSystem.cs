using System.Runtime.InteropServices;

namespace OnCache.Agent.Tests.Bpf;

/// <summary>A BPF filesystem of its own for one test, in a temporary folder; unmounting it lets go of all that was pinned.</summary>
internal sealed partial class BpfFileSystem : IDisposable
{
    private const int MNT_DETACH = 2;
    private const int ENODEV = 19;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("oncache-bpf-");
    private readonly bool _mounted;

    /// <summary>Mounts it; skips the test where that is impossible.</summary>
    public BpfFileSystem()
    {
        try
        {
            Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root, to mount a BPF filesystem and to load programs");
            if (mount("bpf", _folder.FullName, "bpf", 0, 0) != 0)
            {
                var error = Marshal.GetLastPInvokeError();
                Assert.SkipWhen(error == ENODEV, "needs a kernel with the BPF filesystem (CONFIG_BPF_SYSCALL)");
                throw new IOException($"mount a BPF filesystem on {_folder.FullName}: {Marshal.GetPInvokeErrorMessage(error)}");
            }

            _mounted = true;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Root => _folder.FullName;

    public void Dispose()
    {
        if (_mounted)
        {
            umount2(_folder.FullName, MNT_DETACH).ShouldBe(0, $"unmount {_folder.FullName}");
        }

        _folder.Delete();
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mount(string source, string target, string type, ulong flags, nint data);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int umount2(string target, int flags);
}
