using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Api;

/// <summary>What a node's agent made of its configuration. Written by that agent alone, when something changes.</summary>
/// <remarks>
/// Lists that can become empty are atomic: older API servers (seen on 1.20) turn a list of type map, emptied by server-side apply, into null
/// and then refuse it. With one writer nothing is lost.
/// </remarks>
public sealed record NodeCacheConfigStatus
{
    /// <summary>The most <see cref="HostRules"/>.</summary>
    public const int MaximumHostRules = 16;

    /// <summary>The generation of the object that the agent has put in force, sizes of caches included, or failed to.</summary>
    public long ObservedGeneration { get; init; }

    /// <summary>Programmed (reasons Programmed, Pending, Failed and InsufficientMemory), Ready and ConntrackPressure.</summary>
    [Items(maxItems: 8)]
    [ListType(ListType.Map, "type")]
    public IReadOnlyList<Condition> Conditions { get; init; } = [];

    /// <summary>The node's pods by state.</summary>
    public EndpointCounts Endpoints { get; init; } = new();

    /// <summary>The node's pods by the policy that decides for them.</summary>
    [Items(maxItems: NodeCacheConfigSpec.MaximumPolicies)]
    [ListType(ListType.Atomic)]
    public IReadOnlyList<PolicyEndpoints> Policies { get; init; } = [];

    /// <summary>Why pods are not accelerated, or (CacheShare) their new flows are not, counted; reasons without pods are left out.</summary>
    [Items(maxItems: 64)]
    [ListType(ListType.Atomic)]
    public IReadOnlyList<Refusal> Refusals { get; init; } = [];

    /// <summary>
    /// Rules of the node's own that keep flows off the fast path, those that keep whole flows off first; what is beyond 16 is left out.
    /// Written when the rules change and not when pods come and go.
    /// </summary>
    [Items(maxItems: MaximumHostRules)]
    [ListType(ListType.Atomic)]
    public IReadOnlyList<NodeHostRule> HostRules { get; init; } = [];

    /// <summary>What kernel and devices offer; absent until it was looked for.</summary>
    public NodeCapabilities? Capabilities { get; init; }

    /// <summary>The caches as they are, which a change of size alters only when the agent starts; absent until they are there.</summary>
    public EffectiveCaches? Caches { get; init; }

    /// <summary>The last flush; absent before the first.</summary>
    public NodeFlush? LastFlush { get; init; }

    /// <summary>When the agent that writes this has started.</summary>
    public DateTimeOffset? AgentStartedAt { get; init; }
}

/// <summary>The pods of a node by state.</summary>
public sealed record EndpointCounts
{
    /// <summary>Flows take the fast path once learned.</summary>
    public int Accelerated { get; init; }

    /// <summary>Flows are learned and counted, not redirected.</summary>
    public int Observed { get; init; }

    /// <summary>Kept on the CNI's path by policies, an exclusion or the pod itself.</summary>
    public int Disabled { get; init; }

    /// <summary>Something has to appear first, such as the pod's interface.</summary>
    public int Waiting { get; init; }

    /// <summary>Something on its way must see every packet: a bandwidth limit, a foreign filter, a rule of the host.</summary>
    public int Shaped { get; init; }
}

/// <summary>The pods of a node for which one policy decides.</summary>
/// <param name="Name">The policy.</param>
/// <param name="Selected">Pods for which it decides.</param>
/// <param name="Accelerated">Of these, pods whose flows take the fast path once learned.</param>
public sealed record PolicyEndpoints([property: Length(1, 253)] string Name, int Selected, int Accelerated);

/// <summary>Pods that are not accelerated, or not wholly, for one reason.</summary>
/// <param name="Reason">One word for programs.</param>
/// <param name="Pods">How many.</param>
public sealed record Refusal([property: Length(1, 64)] string Reason, int Pods);

/// <summary>What kernel and devices of a node offer.</summary>
/// <param name="Kernel">The kernel's release.</param>
/// <param name="Attach">How programs are attached: <c>tcx</c> or <c>clsact</c>.</param>
/// <param name="Features">What was looked for, by name.</param>
/// <param name="Memory">What caches of other sizes may take; absent where it is not known.</param>
public sealed record NodeCapabilities([property: Length(maxLength: 256)] string Kernel, [property: Length(maxLength: 16)] string Attach, IReadOnlyList<NodeFeature>? Features = null, NodeMemory? Memory = null)
{
    /// <summary>What was looked for, by name.</summary>
    [Items(maxItems: 64)]
    [ListType(ListType.Atomic)]
    public IReadOnlyList<NodeFeature> Features { get; init; } = Features ?? [];
}

/// <summary>What caches of other sizes may take on a node.</summary>
/// <param name="CacheBytes">Kernel memory beside what is in use, in bytes; roughly, and never more than the largest caches need.</param>
/// <param name="Cpus">CPUs that the node may ever have: some of the memory is for each of them.</param>
public sealed record NodeMemory(long CacheBytes, int Cpus);

/// <summary>One thing a node has or lacks.</summary>
/// <param name="Name">Its name, such as <c>conntrack</c>.</param>
/// <param name="Available">Whether it can be used.</param>
/// <param name="Detail">How it was found, or what it needs.</param>
public sealed record NodeFeature([property: Length(1, 64)] string Name, bool Available, [property: Length(maxLength: 1024)] string? Detail = null);

/// <summary>The caches of a node as they are.</summary>
/// <param name="Filter">The filter cache, in flows.</param>
/// <param name="Egress">The egress cache, in remote nodes.</param>
/// <param name="Ingress">The ingress cache, in local pods.</param>
public sealed record EffectiveCaches(EffectiveCache Filter, EffectiveCache Egress, EffectiveCache Ingress);

/// <summary>One cache as it is.</summary>
/// <param name="Capacity">Entries it holds.</param>
/// <param name="MemoryBytes">Kernel memory it takes, in bytes.</param>
public sealed record EffectiveCache(int Capacity, long MemoryBytes);

/// <summary>A flush.</summary>
/// <param name="At">When.</param>
/// <param name="Cause">What made it necessary.</param>
/// <param name="DurationMicroseconds">From the event to its effect, in microseconds.</param>
public sealed record NodeFlush(DateTimeOffset At, [property: Length(maxLength: 1024)] string Cause, long DurationMicroseconds);
