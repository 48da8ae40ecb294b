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
        await DeleteNamespacesAsync(names, cancellationToken);
        Unmount(names.BpfMount);
        DeleteFolder(names.Folder);
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

    private static async Task DeleteNamespacesAsync(LabNames names, CancellationToken cancellationToken)
    {
        var owned = NetworkNamespace.List().Where(names.Owns).ToArray();
        if (owned.Length == 0)
        {
            return;
        }

        var result = await Tool.RunAsync("ip", ["-force", "-batch", "-"], TopologyScript.DeleteNamespaces(owned), cancellationToken);
        if (NetworkNamespace.List().FirstOrDefault(names.Owns) is { } left)
        {
            result.EnsureSuccess();
            throw new LabException($"network namespace {left}: could not be deleted");
        }
    }

    private static void DeleteFolder(string folder)
    {
        // Two processes may clean the same dead lab away and delete files under each other's hands.
        const int Attempts = 10;
        for (var attempt = 1; Directory.Exists(folder); attempt++)
        {
            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (IOException) when (attempt < Attempts)
            {
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
