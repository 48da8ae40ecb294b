using OnCache.Agent.Coherence;
using OnCache.Agent.Configuration;
using OnCache.Agent.Net;
using OnCache.Agent.Telemetry;

namespace OnCache.Agent.Daemon;

/// <summary>What the event loop publishes for readers on other threads, after each turn that changed something.</summary>
/// <param name="Configuration">In force, but for the sizes of the caches, which follow.</param>
/// <param name="ObservedGeneration">The last generation that is in force with its sizes, or whose sizes were refused; 0 while there is none of this object.</param>
internal sealed record AgentState(
    AgentConfiguration Configuration,
    long ObservedGeneration,
    NodePlan Plan,
    IReadOnlyDictionary<Ipv4Address, uint> EndpointSlots,
    IReadOnlySet<Ipv4Address> WithoutRoom,
    IReadOnlyDictionary<int, string> AttachFailures,
    Bpf.EndpointCounters Retired,
    FlushRecord? LastFlush,
    HostRulesReport HostRules,
    IReadOnlyList<string> NicFailures,
    SizesRefusal? SizesRefused,
    IReadOnlySet<Ipv4Address> BeyondShare,
    IReadOnlyList<string> Warnings);
