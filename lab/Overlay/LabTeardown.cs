using System.Runtime.InteropServices;
using OnCache.Lab.Interop;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Overlay;

/// <summary>Takes a lab down from whatever state it is in: whole, half made, already partly gone.</summary>
internal static class LabTeardown
{
    /// <summary>Ends the lab's processes, deletes its namespaces, unmounts its bpffs and removes its folder. Idempotent.</summary>
    public static async Task DownAsync(string name, CancellationToken cancellationToken)
    {
        var names = new LabNames(name);
        await new ProcessRegister(names).EndAllAsync(cancellationToken);
        await Removal.DeleteNamespacesAsync(names.Owns, cancellationToken);
        Unmount(names.BpfMount);
        Removal.DeleteFolder(names.Folder);
    }

    /// <summary>Takes down the labs whose owning process has died.</summary>
    public static async Task ReapAsync(CancellationToken cancellationToken)
    {
        foreach (var name in OverlayLab.List())
        {
            if (LabState.Read(name) is { Owner: { IsAlive: false } })
            {
                await DownAsync(name, cancellationToken);
            }
        }
    }

    private static void Unmount(string path)
    {
        // Several mounts may lie on top of each other when a failed run was repeated; EINVAL says that none is left.
        while (Directory.Exists(path) && Libc.umount2(path, Libc.MNT_DETACH) == 0)
        {
        }

        if (File.ReadLines("/proc/self/mounts").Any(line => line.Split(' ')[1] == path))
        {
            throw new LabException($"{path}: cannot unmount: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }
}
