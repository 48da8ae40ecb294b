using OnCache.Agent.Bpf;
using OnCache.Agent.Net;

namespace OnCache.Agent.Datapath;

/// <summary>
/// Filters of the clsact qdisc, for kernels before 6.6, under our own handle and priority. The qdisc is created where
/// it is missing and never removed: others may have come to rely on it.
/// </summary>
/// <param name="priority">1 to 65535; lower runs first.</param>
/// <param name="devices">Lists the interface indexes of this network namespace.</param>
internal sealed unsafe class ClsactAttacher(uint priority, Func<IEnumerable<int>> devices, IKernelSteps? steps = null) : IProgramAttacher
{
    /// <summary>"OC" in ASCII.</summary>
    private const uint Handle = 0x4f43;

    private const int EEXIST = 17;
    private const int ENODEV = 19;
    private const int ENOENT = 2;
    private const int EINVAL = 22;

    private readonly IKernelSteps _steps = steps ?? KernelSteps.Direct;

    public string Name => "clsact";

    public void Attach(int ifIndex, string program, TcDirection direction, int programFd)
    {
        var hook = Hook(ifIndex, direction);
        var creation = $"create the clsact qdisc of device index {ifIndex}";
        var created = _steps.Try(creation, () => Interop.Libbpf.bpf_tc_hook_create(ref hook));
        if (created != -EEXIST)
        {
            BpfException.Check(created, creation);
        }

        var step = $"attach {program} to device index {ifIndex} ({direction})";
        if (Occupant(ifIndex, direction) is { } occupant && !occupant.Name.StartsWith(ProgramNames.Prefix, StringComparison.Ordinal))
        {
            throw new BpfException(
                step,
                EEXIST,
                $"priority {priority} belongs to the program {occupant.Name}; choose another with --tc-priority");
        }

        var options = Options();
        options.prog_fd = programFd;
        options.flags = Interop.Libbpf.BPF_TC_F_REPLACE;
        var (result, warnings) = LibbpfLog.Collect(() => _steps.Try(step, () => Interop.Libbpf.bpf_tc_attach(ref hook, ref options)));
        if (result == -EINVAL)
        {
            // What the kernel answers where the priority belongs to a filter of another kind, which the query does not show.
            warnings = [.. warnings, $"priority {priority} may belong to a filter of another kind; choose another with --tc-priority"];
        }

        if (result < 0)
        {
            throw new BpfException(step, -result, string.Join("; ", warnings));
        }
    }

    public void Detach(int ifIndex, string program, TcDirection direction)
    {
        if (Occupant(ifIndex, direction) is not { } occupant || !occupant.Name.StartsWith(ProgramNames.Prefix, StringComparison.Ordinal))
        {
            return;
        }

        var hook = Hook(ifIndex, direction);
        var options = Options();
        var step = $"detach {program} from device index {ifIndex} ({direction})";
        var result = _steps.Try(step, () => Interop.Libbpf.bpf_tc_detach(ref hook, ref options));
        if (result is not (-ENODEV or -ENOENT))
        {
            BpfException.Check(result, step);
        }
    }

    public bool IsAttached(int ifIndex, string program, TcDirection direction, uint programId) => OccupantId(ifIndex, direction) == programId;

    public bool IsBeforeOurs(TcFilter filter) => filter.Priority < priority;

    /// <summary>All programs of tcx run before the filters. Those of an earlier agent go when this one has taken its place.</summary>
    public IReadOnlyList<uint> Others(int ifIndex, TcDirection direction, bool behindOurs, IReadOnlySet<uint> ours) =>
        behindOurs ? [] : [.. TcxChain.Of(ifIndex, direction).Where(program => !ours.Contains(program) && !IsOurs(BpfProgramInfo.OfId(program)))];

    public IReadOnlyCollection<int> AttachedDevices() =>
        devices()
            .Where(device => Occupies(device, TcDirection.Ingress) || Occupies(device, TcDirection.Egress))
            .ToHashSet();

    private static Interop.Libbpf.bpf_tc_hook Hook(int ifIndex, TcDirection direction) => new()
    {
        sz = (nuint)sizeof(Interop.Libbpf.bpf_tc_hook),
        ifindex = ifIndex,
        attach_point = direction == TcDirection.Ingress ? Interop.Libbpf.BPF_TC_INGRESS : Interop.Libbpf.BPF_TC_EGRESS,
    };

    private bool Occupies(int device, TcDirection direction) =>
        IsOurs(Occupant(device, direction));

    private static bool IsOurs(BpfProgramInfo? program) => program?.Name.StartsWith(ProgramNames.Prefix, StringComparison.Ordinal) == true;

    private BpfProgramInfo? Occupant(int ifIndex, TcDirection direction) =>
        OccupantId(ifIndex, direction) is { } program ? BpfProgramInfo.OfId(program) : null;

    private uint? OccupantId(int ifIndex, TcDirection direction)
    {
        var hook = Hook(ifIndex, direction);
        var options = Options();
        // libbpf reports a missing qdisc or filter as a warning and as one of these errors.
        var step = $"query the filters of device index {ifIndex} ({direction})";
        var (result, _) = LibbpfLog.Collect(() => _steps.Try(step, () => Interop.Libbpf.bpf_tc_query(ref hook, ref options)));
        if (result is -ENOENT or -EINVAL or -ENODEV)
        {
            return null;
        }

        BpfException.Check(result, step);
        return options.prog_id;
    }

    private Interop.Libbpf.bpf_tc_opts Options() => new()
    {
        sz = (nuint)sizeof(Interop.Libbpf.bpf_tc_opts),
        handle = Handle,
        priority = priority,
    };
}
