using System.Net;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Policy;
using OnCache.Lab.Rules;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Overlay;

/// <summary>One node of the lab.</summary>
public sealed class LabNode : LabMember
{
    private readonly OverlayLab lab;
    private readonly LabNames names;
    private volatile IReadOnlyList<LabPod> pods;

    internal LabNode(OverlayLab lab, string labName, NodePlan plan)
        : base(labName, plan.Name)
    {
        this.lab = lab;
        names = new LabNames(labName);
        Index = plan.Index;
        TunnelMac = plan.TunnelMac;
        pods = [.. plan.Pods.Select(pod => new LabPod(this, labName, pod))];
    }

    /// <summary>1 for the first node.</summary>
    public int Index { get; }

    /// <summary>The node's own address on the wire.</summary>
    public IPAddress Address => AddressPlan.Node(Index);

    public IPNetwork PodCidr => AddressPlan.PodCidr(Index);

    /// <summary>The pods that exist now, by index.</summary>
    public IReadOnlyList<LabPod> Pods => pods;

    /// <summary>The NIC.</summary>
    public string UnderlayDevice { get; } = LabNames.Underlay;

    /// <summary>The VXLAN device.</summary>
    public string TunnelDevice { get; } = LabNames.Tunnel;

    public string BridgeDevice { get; } = LabNames.Bridge;

    /// <summary>MAC address of the VXLAN device.</summary>
    public string TunnelMac { get; }

    /// <summary>A folder of the lab's own bpffs, for this node's pins.</summary>
    public string BpfRoot => names.BpfRoot(Index);

    /// <summary>The agent's configuration for this node; kept current as pods come and go.</summary>
    public string AgentConfigPath => names.AgentConfig(Index);

    /// <summary>Starts one more pod at the lowest free place.</summary>
    public Task<LabPod> AddPodAsync(CancellationToken cancellationToken = default) => lab.AddPodAsync(this, cancellationToken);

    /// <summary>Removes a pod: its veth first, as the CNI does, then its namespace and rules.</summary>
    public Task DeletePodAsync(LabPod pod, CancellationToken cancellationToken = default) => lab.DeletePodAsync(this, pod, cancellationToken);

    /// <summary>Deletes a pod and starts another in its place: same name and address, new veth, MAC and uid.</summary>
    public Task<LabPod> RecreatePodAsync(LabPod pod, CancellationToken cancellationToken = default) =>
        lab.RecreatePodAsync(this, pod, cancellationToken);

    /// <summary>Makes this node drop packets from one pod to another.</summary>
    /// <param name="cutEstablished">True drops every packet; false only those that open a flow.</param>
    public async Task DenyAsync(LabPod source, LabPod destination, bool cutEstablished, CancellationToken cancellationToken = default)
    {
        RequireRules();
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        var match = PodPolicyRules.Match(source.Address, destination.Address);
        (await IptablesAsync(["-A", PodPolicyRules.DenyChain(cutEstablished), .. match], cancellationToken)).EnsureSuccess();
    }

    /// <summary>Takes back every denial of this pair at this node. Nothing when there is none.</summary>
    public async Task AllowAsync(LabPod source, LabPod destination, CancellationToken cancellationToken = default)
    {
        RequireRules();
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        var match = PodPolicyRules.Match(source.Address, destination.Address);
        foreach (var cut in (bool[])[true, false])
        {
            var chain = PodPolicyRules.DenyChain(cut);
            while ((await IptablesAsync(["-C", chain, .. match], cancellationToken)).ExitCode == 0)
            {
                (await IptablesAsync(["-D", chain, .. match], cancellationToken)).EnsureSuccess();
            }
        }
    }

    /// <summary>Replaces all that this node denies, <see cref="DenyAsync"/>'s denials included.</summary>
    internal async Task EnforceAsync(EnforcerKind kind, IReadOnlyCollection<DenyRule> rules, CancellationToken cancellationToken)
    {
        RequireRules();
        var denials = PodPolicyRules.RenderDenials(kind == EnforcerKind.Cutting, rules);
        (await NetworkNamespace.RunCommandAsync(Namespace, "iptables-restore", ["-w", "--noflush"], denials, cancellationToken)).EnsureSuccess();
        if (kind == EnforcerKind.Forgetting)
        {
            foreach (var rule in rules)
            {
                // Exit status 1 also says that there was no such flow.
                _ = await RunCommandAsync("conntrack", ["-D", .. rule.Match()], cancellationToken);
            }
        }
    }

    internal void Replace(IReadOnlyList<LabPod> current) => pods = current;

    private Task<CommandResult> IptablesAsync(string[] arguments, CancellationToken cancellationToken) =>
        RunCommandAsync("iptables", ["-w", .. arguments], cancellationToken);

    private void RequireRules()
    {
        if (lab.Rules == NodeRules.None)
        {
            throw new LabException($"lab {lab.Name}: has no rules to deny with; bring it up with rules kube-proxy");
        }
    }
}
