using System.Net;
using Microsoft.Extensions.Logging;
using OnCache.Agent.Coherence;
using OnCache.Kubernetes.Entities;

namespace OnCache.Agent.Cli;

/// <summary>How the agent runs on this machine. What it does is the configuration's business.</summary>
internal sealed record AgentSettings
{
    /// <summary>The default of <see cref="PinRoot"/>.</summary>
    public const string DefaultPinRoot = "/sys/fs/bpf/oncache";

    /// <summary>The default of <see cref="Socket"/>.</summary>
    public const string DefaultSocket = "/run/oncache/agent.sock";

    /// <summary>The default of <see cref="ConntrackSysctl"/>.</summary>
    public const string DefaultConntrackSysctl = "/proc/sys/net/netfilter";

    /// <summary>The configuration file; null in a cluster.</summary>
    public string? Config { get; init; }

    /// <summary>The node's name in the cluster that tells what to do; null with a file.</summary>
    public string? Node { get; init; }

    /// <summary>How to reach the cluster; null for the service account of the pod, or what kubectl would use.</summary>
    public string? Kubeconfig { get; init; }

    /// <summary>In a cluster, the pod that the agent is: its end is the node's cleaning when its DaemonSet is being removed. Null when it is none.</summary>
    public NamespacedName? Pod { get; init; }

    /// <summary>In a cluster, the kinds that the CNI decides by beside NetworkPolicy.</summary>
    public IReadOnlyList<CniPolicyKind> CniPolicies { get; init; } = CniPolicyKind.Known;

    /// <summary>The folder, on a bpffs, that holds the pinned maps and links.</summary>
    public string PinRoot { get; init; } = DefaultPinRoot;

    /// <summary>The Unix socket the agent answers on.</summary>
    public string Socket { get; init; } = DefaultSocket;

    /// <summary>Where health alone is told over TCP too; null for nowhere.</summary>
    public IPEndPoint? Health { get; init; }

    /// <summary>The folder of the node's conntrack settings; in a container another than /proc/sys/net/netfilter, which is read-only there.</summary>
    public string ConntrackSysctl { get; init; } = DefaultConntrackSysctl;

    /// <summary>How programs are attached.</summary>
    public AttachMode Attach { get; init; } = AttachMode.Auto;

    /// <summary>The overlay's tunnel device; found by itself when absent.</summary>
    public string? TunnelDevice { get; init; }

    /// <summary>The bit of the packet mark that says "missed the cache", 0 to 31.</summary>
    public int MarkBit { get; init; } = MarkBits.Default;

    /// <summary>
    /// The priority of our filters where tcx is absent, 1 to 65535, lower runs first. The default lies after those the kernel hands out by itself
    /// (49152 and below), so that every neighbour has decided before a packet leaves on the fast path.
    /// </summary>
    public int TcPriority { get; init; } = 50_000;

    /// <summary>How long after the agent's last sign of life the programs go on using the caches.</summary>
    public TimeSpan HeartbeatTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The least severe message that is logged.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;
}

/// <summary>How programs are attached to devices.</summary>
internal enum AttachMode
{
    /// <summary>By tcx where the kernel has it (6.6), else by clsact.</summary>
    Auto,

    /// <summary>By tcx links or not at all.</summary>
    Tcx,

    /// <summary>By filters on the clsact qdisc.</summary>
    Clsact,
}

/// <summary>What <c>uninstall</c> removes.</summary>
/// <param name="PinRoot">The folder that holds the pinned maps and links.</param>
/// <param name="Socket">The agent's socket: nothing is removed under a running agent.</param>
/// <param name="ConntrackSysctl">The folder of the node's conntrack settings.</param>
/// <param name="LogLevel">The least severe message that is logged.</param>
internal sealed record UninstallSettings(string PinRoot, string Socket, string ConntrackSysctl, LogLevel LogLevel);
