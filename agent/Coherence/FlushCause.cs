namespace OnCache.Agent.Coherence;

/// <summary>What made cached verdicts void. The names are those of status, log and metrics.</summary>
internal enum FlushCause
{
    /// <summary>What happened while no agent ran is unknown.</summary>
    AgentStart,

    /// <summary>The heartbeat deadline passed while the agent lived: stopped, starved or suspended.</summary>
    Silence,

    /// <summary>A watch had to list anew: what came and went in between was not seen.</summary>
    WatchGap,

    /// <summary>Somebody asked: <c>oncache-agent flush</c>.</summary>
    Request,

    /// <summary>Lease, exclusions or what may be accelerated on this node changed.</summary>
    Configuration,

    /// <summary>A pod got its address.</summary>
    PodAdded,

    /// <summary>A pod went, and its address is free for another.</summary>
    PodDeleted,

    /// <summary>An address passed from one pod to another, or a pod to another address.</summary>
    PodReplaced,

    /// <summary>A pod succeeded or failed: it owns its address no longer.</summary>
    PodCompleted,

    /// <summary>A pod's labels changed, by which policies select it.</summary>
    PodLabelsChanged,

    /// <summary>A namespace's labels changed, by which policies name peers.</summary>
    NamespaceLabelsChanged,

    /// <summary>A NetworkPolicy came.</summary>
    NetworkPolicyAdded,

    /// <summary>The rules of a NetworkPolicy changed.</summary>
    NetworkPolicyChanged,

    /// <summary>A NetworkPolicy went.</summary>
    NetworkPolicyDeleted,

    /// <summary>A policy of a kind of the CNI's own came, changed or went.</summary>
    CniPolicyChanged,

    /// <summary>The operator says that peers of policies changed elsewhere in the cluster.</summary>
    PeerSignal,

    /// <summary>A remote node appeared in the tunnel's forwarding table.</summary>
    NodeAdded,

    /// <summary>A remote node is gone from it.</summary>
    NodeRemoved,

    /// <summary>A remote node has another address or station inside the tunnel.</summary>
    NodeAddressChanged,

    /// <summary>A neighbour that packets are sent to has another Ethernet address, or none.</summary>
    NeighbourChanged,

    /// <summary>A forwarding entry of the bridge or the tunnel leads elsewhere.</summary>
    FdbChanged,

    /// <summary>A route or routing rule leads elsewhere.</summary>
    RouteChanged,

    /// <summary>Packets of another size fit.</summary>
    MtuChanged,

    /// <summary>A device went down, was replaced, or the tunnel's own settings changed.</summary>
    LinkChanged,

    /// <summary>An IPsec policy covers the tunnel now.</summary>
    IpsecChanged,

    /// <summary>Rules of the host that packets of pods can meet came, changed or went.</summary>
    HostRulesChanged,

    /// <summary>A program or filter of ours was gone from its device, and has been put back.</summary>
    ProgramRestored,

    /// <summary>The CNI made its tunnel device anew.</summary>
    CniRestart,
}
