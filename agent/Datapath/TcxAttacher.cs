using System.Globalization;
using OnCache.Agent.Bpf;
using OnCache.Agent.Net;

namespace OnCache.Agent.Datapath;

/// <summary>
/// tcx links (kernel 6.6), pinned so that they outlive the agent: name "program-ifindex". Attached at the end of the
/// hook, so programs of others that were there before see every packet, fast or slow.
/// </summary>
internal sealed unsafe class TcxAttacher(string linkDirectory) : IProgramAttacher
{
    private const int ENOLINK = 67;

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
                if (IsOn(existing, ifIndex, direction))
                {
                    var result = Interop.Libbpf.bpf_link_update(existing.Value, programFd, null);
                    if (result != -ENOLINK)
                    {
                        BpfException.Check(result, $"replace {program} on device index {ifIndex}");
                        return;
                    }
                }
            }

            // The device went and its index came back: the old link holds nothing.
            File.Delete(path);
        }

        using var link = new FileDescriptor(BpfException.Check(
            Interop.Libbpf.bpf_link_create(programFd, ifIndex, AttachType(direction), null),
            $"attach {program} to device index {ifIndex} ({direction})"));
        BpfException.Check(Interop.Libbpf.bpf_obj_pin(link.Value, path), $"pin the link {path}");
    }

    public void Detach(int ifIndex, string program, TcDirection direction)
    {
        var path = PathOf(ifIndex, program);
        if (OpenPinned(path) is { } link)
        {
            using (link)
            {
                _ = Interop.Libbpf.bpf_link_detach(link.Value);
            }

            File.Delete(path);
        }
    }

    public IReadOnlyCollection<int> AttachedDevices() =>
        Directory.Exists(linkDirectory)
            ? Directory.EnumerateFiles(linkDirectory)
                .Select(path => int.Parse(path.AsSpan(path.LastIndexOf('-') + 1), CultureInfo.InvariantCulture))
                .ToHashSet()
            : [];

    private static FileDescriptor? OpenPinned(string path) =>
        File.Exists(path) ? new FileDescriptor(BpfException.Check(Interop.Libbpf.bpf_obj_get(path), $"open the link {path}")) : null;

    private static bool IsOn(FileDescriptor link, int ifIndex, TcDirection direction)
    {
        Interop.Libbpf.bpf_link_info info = default;
        var length = (uint)sizeof(Interop.Libbpf.bpf_link_info);
        BpfException.Check(Interop.Libbpf.bpf_obj_get_info_by_fd(link.Value, &info, ref length), "read link information");
        return info.tcx_ifindex == (uint)ifIndex && info.tcx_attach_type == AttachType(direction);
    }

    private string PathOf(int ifIndex, string program) => Path.Combine(linkDirectory, $"{program}-{ifIndex}");
}
