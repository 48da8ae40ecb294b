using OnCache.Agent.Bpf;
using OnCache.Agent.Tests.Datapath.Packets;

namespace OnCache.Agent.Tests.Datapath.Cases;

/// <summary>One file of cases, all for one program.</summary>
internal sealed record CaseFile
{
    /// <summary>Name of the program, without the prefix that all of ours have.</summary>
    public required string Program { get; init; }

    public required List<PacketCase> Cases { get; init; }
}

/// <summary>One packet through one program: what it meets and what must come of it.</summary>
internal sealed record PacketCase
{
    public required string Name { get; init; }

    /// <summary>Why the packet must be treated so.</summary>
    public required string Description { get; init; }

    /// <summary>pod, other-pod or nic; the program's own place when left out.</summary>
    public string? Device { get; init; }

    public required List<Layer> Packet { get; init; }

    /// <summary>Does the packet come with the miss bit?</summary>
    public bool Mark { get; init; }

    public uint GsoSize { get; init; }

    /// <summary>The key in the filter cache that the case looks at.</summary>
    public Flow Flow { get; init; } = new();

    public Before Before { get; init; } = new();

    public required Expected Expect { get; init; }
}

/// <summary>A flow as the filter cache names it.</summary>
internal sealed record Flow
{
    public CaseProtocol Protocol { get; init; } = CaseProtocol.Udp;

    public string Local { get; init; } = "pod";

    public string Remote { get; init; } = "remote-pod";

    public ushort LocalPort { get; init; } = 5000;

    public ushort RemotePort { get; init; } = 6000;
}

internal enum CaseProtocol
{
    Icmp = 1,
    Tcp = 6,
    Udp = 17,
}

/// <summary>The maps and conntrack before the packet comes.</summary>
internal sealed record Before
{
    /// <summary>The flow's entry in the filter cache; none when left out.</summary>
    public EntryBefore? Entry { get; init; }

    /// <summary>The verdict on the flow's pair of pods; none when left out.</summary>
    public EntryBefore? Pair { get; init; }

    /// <summary>Seconds since the CNI let the flow's connection begin, as noted; no note when left out.</summary>
    public int? Begun { get; init; }

    /// <summary>Seconds since the flow's short connection was over, as noted; no note when left out.</summary>
    public int? Over { get; init; }

    /// <summary>The pod holds as many entries of the filter cache as are free.</summary>
    public bool CacheIsFull { get; init; }

    /// <summary>The agent has not taken for long what it is told of ended connections.</summary>
    public bool EndedQueuesAreFull { get; init; }

    public ConfigBefore Config { get; init; } = new();

    public EndpointBefore Endpoint { get; init; } = new();

    public NodeBefore Node { get; init; } = new();

    /// <summary>CIDRs.</summary>
    public List<string> ExcludedPrefixes { get; init; } = [];

    public List<PortBefore> ExcludedPorts { get; init; } = [];

    public List<RegionBefore> HostRegions { get; init; } = [];

    /// <summary>A packet at the far end of the CNI's path, as it was when it was handed over, from its IPv4 header on; the same but for the TTL when left out.</summary>
    public List<Layer>? CameAs { get; init; }

    /// <summary>Has the note of how it came been overwritten?</summary>
    public bool Unwitnessed { get; init; }

    /// <summary>Entries of conntrack, inserted in the kernel.</summary>
    public List<ConntrackEntry> Conntrack { get; init; } = [];
}

/// <summary>Usable in both directions as it stands; the members say what is different.</summary>
internal sealed record EntryBefore
{
    /// <summary>Seconds from now, negative when over, or "never": this direction was not seen yet.</summary>
    public string EgressLease { get; init; } = "20";

    public string IngressLease { get; init; } = "20";

    /// <summary>Seconds ago.</summary>
    public int Touched { get; init; } = 1;

    public List<EpochOf> Stale { get; init; } = [];

    public string Endpoint { get; init; } = "pod";

    /// <summary>A remote node or "none".</summary>
    public string Node { get; init; } = "remote-node";

    public Closing Closing { get; init; }

    public List<EntryFlags> Flags { get; init; } = [];

    /// <summary>Of an excluded flow: why.</summary>
    public Reason Reason { get; init; } = Reason.Excluded;

    /// <summary>Of a pair: connections begun without an answer.</summary>
    public int Unanswered { get; init; }
}

/// <summary>Whose epoch has moved on since the entry was learned.</summary>
internal enum EpochOf
{
    Everything,
    Endpoint,
    Node,
}

internal sealed record ConfigBefore
{
    /// <summary>Seconds until the deadline.</summary>
    public int Heartbeat { get; init; } = 60;

    /// <summary>Seconds.</summary>
    public int Lease { get; init; } = 30;

    /// <summary>Seconds.</summary>
    public int TouchInterval { get; init; } = 50;

    public List<ProtocolBits> Protocols { get; init; } = [ProtocolBits.All];

    public bool InheritTos { get; init; }
}

/// <summary>The endpoint "pod".</summary>
internal sealed record EndpointBefore
{
    public EndpointMode Mode { get; init; } = EndpointMode.Accelerate;

    public List<ProtocolBits> Protocols { get; init; } = [ProtocolBits.All];

    public List<EndpointFlags> Flags { get; init; } = [];

    /// <summary>Seconds from now for which learning is held, negative when that is over.</summary>
    public int Hold { get; init; } = -1;

    public ushort Mtu { get; init; } = 1450;

    public bool Withdrawn { get; init; }

    /// <summary>The address that the ingress cache holds for it.</summary>
    public string Address { get; init; } = "pod";

    /// <summary>Is the address in the index that learning asks?</summary>
    public bool Indexed { get; init; } = true;
}

/// <summary>The node "remote-node".</summary>
internal sealed record NodeBefore
{
    public ushort Mtu { get; init; } = 1450;

    public byte Tos { get; init; }

    public byte Ttl { get; init; } = 64;

    public bool Withdrawn { get; init; }

    public bool Indexed { get; init; } = true;
}

/// <summary>A region of the host's rules: any flow of the pod, unless said.</summary>
internal sealed record RegionBefore
{
    /// <summary>A name of a well-known address; any when left out.</summary>
    public string? Remote { get; init; }

    public CaseProtocol? Protocol { get; init; }

    public ushort LocalPortMin { get; init; }

    public ushort LocalPortMax { get; init; } = ushort.MaxValue;

    public ushort RemotePortMin { get; init; }

    public ushort RemotePortMax { get; init; } = ushort.MaxValue;

    public RegionScope Scope { get; init; } = RegionScope.Flows;
}

internal sealed record PortBefore
{
    public required CaseProtocol Protocol { get; init; }

    public required ushort Port { get; init; }
}

internal enum Verdict
{
    Next = -1,
    Redirect = 7,
}

/// <summary>What must be afterwards.</summary>
internal sealed record Expected
{
    public required Verdict Verdict { get; init; }

    /// <summary>The packet; exactly as it came when left out.</summary>
    public List<Layer>? Output { get; init; }

    /// <summary>Does the packet leave with the miss bit?</summary>
    public bool Mark { get; init; }

    public uint Priority { get; init; }

    /// <summary>The one counter that rises, by one; none when left out.</summary>
    public Reason? Reason { get; init; }

    /// <summary>The flow's entry; as it was when left out.</summary>
    public EntryExpected? Entry { get; init; }

    /// <summary>The pair's entry; as it was when left out.</summary>
    public EntryExpected? Pair { get; init; }

    public CountersExpected Counters { get; init; } = new();

    /// <summary>Seconds that the first conntrack entry has left, from and to; not looked at when left out.</summary>
    public List<int>? ConntrackTimeout { get; init; }

    /// <summary>Must the first conntrack entry be gone?</summary>
    public bool ConntrackGone { get; init; }

    /// <summary>What is noted of the connection's beginning.</summary>
    public NoteExpected Begun { get; init; }

    /// <summary>What is noted of a short connection's end.</summary>
    public NoteExpected Over { get; init; }

    /// <summary>What the agent is told of how far the connection has ended; it is told nothing when left out.</summary>
    public Closing? Told { get; init; }
}

/// <summary>A note afterwards.</summary>
internal enum NoteExpected
{
    /// <summary>As it was.</summary>
    Kept,
    Now,
    Gone,
}

internal sealed record EntryExpected
{
    public bool Absent { get; init; }

    /// <summary>Written anew, rather than changed.</summary>
    public bool Fresh { get; init; }

    /// <summary>Seconds from now, "never", "kept" or "pair": as long as the pair's verdict.</summary>
    public string EgressLease { get; init; } = "kept";

    public string IngressLease { get; init; } = "kept";

    /// <summary>"now", "never", "kept", or "due": so long ago that the next packet touches it.</summary>
    public string Touched { get; init; } = "kept";

    public string? Endpoint { get; init; }

    public string? Node { get; init; }

    public Closing? Closing { get; init; }

    /// <summary>As they were when left out.</summary>
    public List<EntryFlags>? Flags { get; init; }

    /// <summary>Of an excluded flow: why.</summary>
    public Reason Reason { get; init; } = Reason.Excluded;

    /// <summary>Written under no epoch: no verdict.</summary>
    public bool Bare { get; init; }

    public int? Unanswered { get; init; }
}

/// <summary>What the endpoint's counters rise by.</summary>
internal sealed record CountersExpected
{
    public ulong EgressPackets { get; init; }

    public ulong EgressBytes { get; init; }

    public ulong IngressPackets { get; init; }

    public ulong IngressBytes { get; init; }
}
