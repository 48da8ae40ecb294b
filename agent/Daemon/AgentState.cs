using OnCache.Agent.Coherence;
using OnCache.Agent.Configuration;
using OnCache.Agent.Net;
using OnCache.Agent.Telemetry;

namespace OnCache.Agent.Daemon;

/// <summary>What the event loop publishes for readers on other threads, after each turn that changed something.</summary>
internal sealed record AgentState(
    AgentConfiguration Configuration,
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
