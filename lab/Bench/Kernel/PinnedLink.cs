using System.Globalization;
using Microsoft.Win32.SafeHandles;
using OnCache.Lab.Interop;

namespace OnCache.Lab.Bench.Kernel;

/// <summary>A program that an agent has attached to a device, by its pinned tcx link.</summary>
/// <param name="Device">Index of the device.</param>
internal sealed record PinnedLink(string Path, string Program, int Device)
{
    /// <summary>All of one agent. Empty where it attaches without links (before Linux 6.6).</summary>
    /// <param name="bpfRoot">The folder with the agent's pins.</param>
    public static IReadOnlyList<PinnedLink> Under(string bpfRoot)
    {
        var folder = System.IO.Path.Combine(bpfRoot, "links");
        return Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder).Select(Parse)] : [];
    }

    public unsafe SafeFileHandle OpenProgram()
    {
        using var link = BpfCall.OpenPinned(Path);
        var id = BpfCall.Describe<BpfLinkInfo>(link, Path).Program;
        return BpfCall.Open(Libc.BPF_PROG_GET_FD_BY_ID, &id, sizeof(uint), $"open the program of {Path}");
    }

    // The agent names a link PROGRAM-IFINDEX.
    private static PinnedLink Parse(string path)
    {
        var name = System.IO.Path.GetFileName(path);
        var dash = name.LastIndexOf('-');
        return new PinnedLink(path, name[..dash], int.Parse(name[(dash + 1)..], CultureInfo.InvariantCulture));
    }
}
