using OnCache.Agent.Bpf;

namespace OnCache.Agent.Datapath;

/// <summary>What this kernel offers of what the datapath uses.</summary>
/// <param name="ConntrackLookup"><c>bpf_skb_ct_lookup</c> and <c>bpf_ct_change_timeout</c>: required.</param>
/// <param name="SkbConntrack">An skb's conntrack entry can be read (6.2): ICMP echo can be learned.</param>
/// <param name="Tcx">tcx links (6.6); without them filters of clsact are used.</param>
internal sealed record KernelCapabilities(string KernelRelease, bool ConntrackLookup, bool SkbConntrack, bool Tcx)
{
    private const string LookUp = "bpf_skb_ct_lookup";
    private const string ChangeTimeout = "bpf_ct_change_timeout";
    private const string ReadOnlyCast = "bpf_rdonly_cast";
    private const string CastToKernelContext = "bpf_cast_to_kern_ctx";
    private const string TcxLinkAttach = "tcx_link_attach";
    private const string StatusFile = "/proc/self/status";
    private const int CapNetAdmin = 12;
    private const int CapSysAdmin = 21;
    private const int CapPerfmon = 38;
    private const int CapBpf = 39;
    private static readonly string[] s_functions = [LookUp, ChangeTimeout, ReadOnlyCast, CastToKernelContext, TcxLinkAttach];

    /// <summary>Examines the running kernel and this process.</summary>
    /// <exception cref="DatapathException">Something that the datapath cannot do without is missing.</exception>
    public static KernelCapabilities Detect()
    {
        RequireProcessKernelCapabilities(File.ReadAllText(StatusFile));
        var release = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        var known = KernelBtf.TryFind(s_functions);
        return Judge(release, known is null ? null : known.Contains);
    }

    /// <summary>The decision of <see cref="Detect"/>, without the kernel.</summary>
    /// <param name="release">As <c>uname -r</c> prints it.</param>
    /// <param name="hasFunction">Is this kernel function known to BTF? Null where the kernel has no BTF.</param>
    public static KernelCapabilities Judge(string release, Func<string, bool>? hasFunction)
    {
        if (hasFunction is null)
        {
            throw new DatapathException(
                $"kernel {release} has no BTF (/sys/kernel/btf/vmlinux is missing); use a kernel built with CONFIG_DEBUG_INFO_BTF=y");
        }

        if (!hasFunction(LookUp) || !hasFunction(ChangeTimeout))
        {
            throw new DatapathException(
                $"kernel {release} offers eBPF no conntrack lookup; use Linux 6.1 or newer with nf_conntrack built in or loaded (modprobe nf_conntrack)");
        }

        return new KernelCapabilities(
            release,
            ConntrackLookup: true,
            SkbConntrack: hasFunction(ReadOnlyCast) && hasFunction(CastToKernelContext),
            Tcx: hasFunction(TcxLinkAttach));
    }

    /// <summary>Checks the effective set in the text of /proc/PID/status.</summary>
    /// <exception cref="DatapathException">A capability is missing.</exception>
    public static void RequireProcessKernelCapabilities(string status)
    {
        var line = status.Split('\n').First(text => text.StartsWith("CapEff:", StringComparison.Ordinal));
        var effective = Convert.ToUInt64(line["CapEff:".Length..].Trim(), 16);
        bool Has(int capability) => (effective >> capability & 1) != 0;
        var missing = new List<string>();
        if (!Has(CapNetAdmin))
        {
            missing.Add("CAP_NET_ADMIN");
        }

        // Before CAP_BPF and CAP_PERFMON were split off, CAP_SYS_ADMIN stood for both, and it still does.
        if (!Has(CapBpf) && !Has(CapSysAdmin))
        {
            missing.Add("CAP_BPF");
        }

        if (!Has(CapPerfmon) && !Has(CapSysAdmin))
        {
            missing.Add("CAP_PERFMON");
        }

        if (missing.Count > 0)
        {
            throw new DatapathException($"the agent lacks {string.Join(", ", missing)}; run it as root or grant them");
        }
    }
}
