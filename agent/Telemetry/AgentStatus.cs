using OnCache.Agent.Configuration;

namespace OnCache.Agent.Telemetry;

/// <summary>Everything the agent tells about itself, as <c>GET /status</c> returns it.</summary>
/// <remarks>Lists read as empty when an agent of another version left them out: the serializer passes null for what is absent.</remarks>
internal sealed record AgentStatus
{
    /// <summary>The agent's version.</summary>
    public required string Version { get; init; }

    /// <summary>The node it serves.</summary>
    public required string Node { get; init; }

    /// <summary>Programs and maps are in place, the configuration is applied and the heartbeat runs.</summary>
    public required bool Ready { get; init; }

    /// <summary>What is still missing; absent when ready.</summary>
    public string? NotReadyReason { get; init; }

    /// <summary>Seconds since the agent started.</summary>
    public required double UptimeSeconds { get; init; }

    /// <summary>When the agent started.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>The configuration file and whether its content is in force.</summary>
    public required ConfigurationState Configuration { get; init; }

    /// <summary>What the kernel offers.</summary>
    public required Capabilities Capabilities { get; init; }

    /// <summary>The overlay's tunnel and the device below it.</summary>
    public required UnderlayStatus Underlay { get; init; }

    /// <summary>The three caches.</summary>
    public required CacheFill Sizes { get; init; }

    /// <summary>Connection tracking; absent where it cannot be told.</summary>
    public ConntrackStatus? Conntrack { get; init; }

    /// <summary>The pods of this node.</summary>
    public IReadOnlyList<EndpointStatus> Endpoints { get; init => field = value ?? []; } = [];

    /// <summary>The nodes the egress cache knows.</summary>
    public IReadOnlyList<RemoteNodeStatus> RemoteNodes { get; init => field = value ?? []; } = [];

    /// <summary>Rules of the host's own that keep flows off the fast path.</summary>
    public IReadOnlyList<HostRuleStatus> HostRules { get; init => field = value ?? []; } = [];

    /// <summary>How many rules there are beside those in <see cref="HostRules"/>.</summary>
    public int MoreHostRules { get; init; }

    /// <summary>Sums over all pods and both directions.</summary>
    public required Totals Totals { get; init; }

    /// <summary>Why packets did not take the fast path; reasons that never occurred are left out.</summary>
    public IReadOnlyList<ReasonCount> Reasons { get; init => field = value ?? []; } = [];

    /// <summary>The last flush, when there was one.</summary>
    public LastFlush? LastFlush { get; init; }

    /// <summary>NICs that refused the programs, and why: what passes them is not accelerated. One sentence each.</summary>
    public IReadOnlyList<string> NicFailures { get; init => field = value ?? []; } = [];

    /// <summary>Why caches of the sizes that are asked for are not in force; absent when they are.</summary>
    public SizesRefused? SizesRefused { get; init; }

    /// <summary>What an operator should know: one sentence each.</summary>
    public IReadOnlyList<string> Warnings { get; init => field = value ?? []; } = [];
}

/// <summary>Why caches of the sizes that are asked for are not in force.</summary>
/// <param name="Reason">In one word, as the condition has it.</param>
/// <param name="Message">What was asked, what is in force, what would help.</param>
internal sealed record SizesRefused(string Reason, string Message);

/// <summary>What the kernel offers.</summary>
/// <param name="Kernel">Its release.</param>
/// <param name="Attach"><c>tcx</c> or <c>clsact</c>: how the programs are attached.</param>
/// <param name="Features">Each feature by name.</param>
internal sealed record Capabilities(string Kernel, string Attach, IReadOnlyDictionary<string, Capability> Features)
{
    /// <summary>What caches of other sizes may take.</summary>
    public CacheRoom? Memory { get; init; }
}

/// <summary>What caches of other sizes may take.</summary>
/// <param name="Bytes">Kernel memory beside what is in use.</param>
/// <param name="Cpus">CPUs that the machine may ever have.</param>
internal sealed record CacheRoom(long Bytes, int Cpus);

/// <summary>One feature of the kernel.</summary>
/// <param name="Available">Whether it can be used.</param>
/// <param name="Detail">How it was found, or what it needs.</param>
internal sealed record Capability(bool Available, string? Detail = null);

/// <summary>The overlay's tunnel and the device below it. Fields are absent until they are found.</summary>
internal sealed record UnderlayStatus
{
    /// <summary>The tunnel device.</summary>
    public string? Device { get; init; }

    /// <summary>The network device that carries the tunnel.</summary>
    public string? Nic { get; init; }

    /// <summary>The node's own outer address.</summary>
    public string? LocalAddress { get; init; }

    /// <summary>The VXLAN network identifier.</summary>
    public int? Vni { get; init; }

    /// <summary>The tunnel's UDP port.</summary>
    public int? Port { get; init; }

    /// <summary>The tunnel's MTU in bytes: the largest inner packet.</summary>
    public int? Mtu { get; init; }

    /// <summary>Why nothing can be accelerated over it; absent when it can.</summary>
    public string? Reason { get; init; }
}

/// <summary>The three caches.</summary>
internal sealed record CacheFill(CacheUse Filter, CacheUse Egress, CacheUse Ingress);

/// <summary>How full one cache is.</summary>
/// <param name="Capacity">Entries it holds.</param>
/// <param name="Used">Entries in use.</param>
/// <param name="MemoryBytes">Kernel memory it takes, in bytes.</param>
internal sealed record CacheUse(int Capacity, int Used, long MemoryBytes);

/// <summary>Packets and bytes (of the inner packet) in one direction.</summary>
internal sealed record Traffic(long Packets, long Bytes);

/// <summary>Sums over all pods and both directions, in packets.</summary>
/// <param name="Hits">Packets that took the fast path.</param>
/// <param name="Misses">Packets of covered pods and protocols that did not.</param>
/// <param name="HitRatio">Hits by hits and misses; 0 before the first packet.</param>
/// <param name="Observed">Packets that would have taken it but for the mode Observe.</param>
internal sealed record Totals(long Hits, long Misses, double HitRatio, long Observed);

/// <summary>How often one reason kept a packet off the fast path.</summary>
/// <param name="Name">The reason's stable name.</param>
/// <param name="Text">What it means.</param>
/// <param name="Egress">Packets leaving the node.</param>
/// <param name="Ingress">Packets entering the node.</param>
internal sealed record ReasonCount(string Name, string Text, long Egress, long Ingress);

/// <summary>The last flush.</summary>
/// <param name="At">When.</param>
/// <param name="Cause">What made it necessary.</param>
/// <param name="DurationMicroseconds">From the event to its effect, in microseconds.</param>
/// <param name="Endpoints">How many endpoints it concerned.</param>
internal sealed record LastFlush(DateTimeOffset At, string Cause, double DurationMicroseconds, int Endpoints)
{
    /// <summary>The object that changed.</summary>
    public string? Subject { get; init; }

    /// <summary>How many remote nodes it concerned.</summary>
    public int Nodes { get; init; }
}
