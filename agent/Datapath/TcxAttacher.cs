using System.Globalization;
using OnCache.Agent.Bpf;
using OnCache.Agent.Net;

namespace OnCache.Agent.Datapath;

/// <summary>
/// tcx links (kernel 6.6), pinned so that they outlive the agent: name "program-ifindex". Attached at the end of the
/// hook, so programs of others that were there before see every packet, fast or slow.
/// </summary>
internal sealed unsafe class TcxAttacher(string linkDirectory, IKernelSteps? steps = null) : IProgramAttacher
{
    private const int ENOLINK = 67;

    private readonly IKernelSteps _steps = steps ?? KernelSteps.Direct;

    public string Name => "tcx";

    public static uint AttachType(TcDirection direction) =>
        direction == TcDirection.Ingress ? Interop.Libbpf.BPF_TCX_INGRESS : Interop.Libbpf.BPF_TCX_EGRESS;

    public void Attach(int ifIndex, string program, TcDirection direction, int programFd)
    {
        var path = PathOf(ifIndex, program);
        if (OpenPinned(path) is { } existing)
        {
            using (existing)
            {
                var step = $"replace {program} on device index {ifIndex}";
                if (IsOn(existing, ifIndex, direction)
                    && _steps.Try(step, () => Interop.Libbpf.bpf_link_update(existing.Value, programFd, null)) is not -ENOLINK and var result)
                {
                    BpfException.Check(result, step);
                    return;
                }
            }

            // The device went and its index came back: the old link holds nothing.
            Unpin(path);
        }

        using var link = new FileDescriptor(_steps.Do(
            $"attach {program} to device index {ifIndex} ({direction})",
            () => Interop.Libbpf.bpf_link_create(programFd, ifIndex, AttachType(direction), null)));
        // Where it cannot be pinned, its only descriptor is closed, and the kernel takes the program off.
        _ = _steps.Do($"pin the link {path}", () => Interop.Libbpf.bpf_obj_pin(link.Value, path));
    }

    public void Detach(int ifIndex, string program, TcDirection direction) => Detach(PathOf(ifIndex, program));

    public bool IsAttached(int ifIndex, string program, TcDirection direction, uint programId)
    {
        Span<uint> programs = stackalloc uint[TcxChain.Most];
        try
        {
            return programs[..TcxChain.Read(ifIndex, direction, programs)].Contains(programId);
        }
        catch (BpfException)
        {
            // Nobody is known to have taken it off; that the hook cannot be read keeps its flows off (Others).
            return true;
        }
    }

    /// <summary>Filters run when all programs of tcx have let the packet pass.</summary>
    public bool IsBeforeOurs(TcFilter filter) => false;

    public IReadOnlyList<uint> Others(int ifIndex, TcDirection direction, bool behindOurs, IReadOnlySet<uint> ours)
    {
        Span<uint> programs = stackalloc uint[TcxChain.Most];
        var chain = programs[..TcxChain.Read(ifIndex, direction, programs)];
        if (AreAllIn(chain, ours))
        {
            return [];
        }

        // The next one takes the place of an earlier agent's.
        var known = ours.Union(Pinned().Where(pinned => pinned.Device == ifIndex).Select(static pinned => pinned.Path).Select(HeldBy).OfType<uint>()).ToHashSet();
        var all = chain.ToArray();
        // Where none of ours is there, it comes to the end.
        var first = behindOurs ? Array.FindLastIndex(all, known.Contains) + 1 : 0;
        return behindOurs && first == 0 ? [] : [.. all.Skip(first).Where(program => !known.Contains(program))];
    }

    public IReadOnlyCollection<int> AttachedDevices() =>
        Pinned().Select(static pinned => pinned.Device).ToHashSet();

    /// <summary>Takes off the programs of agents of other versions that this version has no program in the place of.</summary>
    public void DetachUnknown()
    {
        foreach (var (path, program, _) in Pinned().Where(static pinned => !ProgramNames.All.Contains(pinned.Program, StringComparer.Ordinal)))
        {
            Detach(path);
        }
    }

    /// <summary>The links of ours; what others have put into the folder has no such name.</summary>
    private IEnumerable<(string Path, string Program, int Device)> Pinned()
    {
        var paths = Directory.Exists(linkDirectory) ? Directory.GetFiles(linkDirectory) : [];
        foreach (var path in paths)
        {
            var name = Path.GetFileName(path);
            var dash = name.LastIndexOf('-');
            if (name.StartsWith(ProgramNames.Prefix, StringComparison.Ordinal) && dash > 0
                && int.TryParse(name.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var device))
            {
                yield return (path, name[..dash], device);
            }
        }
    }

    private void Detach(string path)
    {
        if (OpenPinned(path) is { } link)
        {
            using (link)
            {
                // Refused where the device has gone. In any case nothing holds the link after this.
                _ = _steps.Try($"detach the link {path}", () => Interop.Libbpf.bpf_link_detach(link.Value));
            }

            Unpin(path);
        }
    }

    private void Unpin(string path) => _steps.Do($"remove the pin {path}", () =>
    {
        File.Delete(path);
        return 0;
    });

    private FileDescriptor? OpenPinned(string path) =>
        File.Exists(path) ? new FileDescriptor(_steps.Do($"open the link {path}", () => Interop.Libbpf.bpf_obj_get(path))) : null;

    private bool IsOn(FileDescriptor link, int ifIndex, TcDirection direction) =>
        Information(link) is var info && info.tcx_ifindex == (uint)ifIndex && info.tcx_attach_type == AttachType(direction);

    /// <summary>The program of a pinned link; null where the link has just gone.</summary>
    private uint? HeldBy(string path)
    {
        using var link = OpenPinned(path);
        return link is null ? null : Information(link).prog_id;
    }

    private Interop.Libbpf.bpf_link_info Information(FileDescriptor link)
    {
        Interop.Libbpf.bpf_link_info info = default;
        _ = _steps.Do("read link information", () =>
        {
            Interop.Libbpf.bpf_link_info read = default;
            var length = (uint)sizeof(Interop.Libbpf.bpf_link_info);
            var result = Interop.Libbpf.bpf_obj_get_info_by_fd(link.Value, &read, ref length);
            info = read;
            return result;
        });
        return info;
    }

    private static bool AreAllIn(ReadOnlySpan<uint> chain, IReadOnlySet<uint> known)
    {
        foreach (var program in chain)
        {
            if (!known.Contains(program))
            {
                return false;
            }
        }

        return true;
    }

    private string PathOf(int ifIndex, string program) => Path.Combine(linkDirectory, $"{program}-{ifIndex}");
}
