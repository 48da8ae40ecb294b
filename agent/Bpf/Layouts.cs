using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OnCache.Agent.Bpf;

// Mirrors of bpf/layouts.h, field by field (a test compares them with the object's BTF). Addresses and ports are in
// network byte order, times are nanoseconds of CLOCK_MONOTONIC.

/// <summary>Constants shared with the programs.</summary>
internal static class Layout
{
    /// <summary>Part of the pin path: maps of another layout are never reused.</summary>
    public const uint Version = 9;

    /// <summary>Index 0 of the egress and ingress cache never holds anything.</summary>
    public const uint IndexNone = 0;

    public const int HeaderMax = 64;

    /// <summary>Of a packet that is to be learned, how much is compared.</summary>
    public const int WitnessBytes = 96;

    public const int Witnesses = 2048;

    /// <summary>How many regions the programs can be told.</summary>
    public const int HostRegions = 256;

    /// <summary>Connections that ended on one CPU and that the agent has not taken yet; a power of two.</summary>
    public const int Ended = 4096;

    /// <summary>Places for notes of one kind: a power of two.</summary>
    public const int Notes = 16384;

    /// <summary>From nanoseconds to the unit of the time in a note.</summary>
    public const int NoteShift = 20;
}

internal enum EndpointMode : byte
{
    Disabled = 0,
    Observe = 1,
    Accelerate = 2,
}

[Flags]
internal enum ProtocolBits : byte
{
    None = 0,
    Tcp = 1,
    Udp = 2,
    Icmp = 4,
    All = Tcp | Udp | Icmp,
}

[Flags]
internal enum EndpointFlags : byte
{
    None = 0,
    EgressShaped = 1,
    IngressShaped = 2,

    /// <summary>No policy asks this pod's packets for their ports or their peer: a pair's verdict may cover a new connection.</summary>
    Portless = 4,

    /// <summary>Some of its flows lie in a region of the host's rules.</summary>
    Ruled = 8,
}

/// <summary>What in a region has to take the CNI's path.</summary>
[Flags]
internal enum RegionScope : byte
{
    None = 0,

    /// <summary>Every packet.</summary>
    Flows = 1,

    /// <summary>A connection's first packet.</summary>
    ShortConnections = 2,
}

/// <summary>How far a connection on the fast path has ended.</summary>
[Flags]
internal enum Closing : byte
{
    None = 0,
    EgressFin = 1,
    IngressFin = 2,
    BothFin = EgressFin | IngressFin,
    EgressReset = 4,
    IngressReset = 8,

    /// <summary>Either; also the mask of both.</summary>
    Reset = EgressReset | IngressReset,
}

/// <summary>How a filter entry came to be.</summary>
[Flags]
internal enum EntryFlags : byte
{
    None = 0,

    /// <summary>Opened under its pair's verdict: conntrack has not seen it begin.</summary>
    Portless = 1,
    AskedEgress = 2,
    AskedIngress = 4,
    Answered = 8,

    /// <summary>No verdict: the flow is excluded, as an earlier packet found.</summary>
    Excluded = 16,

    /// <summary>The CNI lets this connection begin; its pair is yet to be told.</summary>
    OpenedEgress = 32,
    OpenedIngress = 64,

    /// <summary>Its SYN was rewritten on the CNI's path: it vouches for no other connection.</summary>
    Unvouched = 128,
}

[InlineArray(6)]
internal struct MacBytes
{
    private byte _first;
}

[InlineArray(Layout.WitnessBytes)]
internal struct WitnessBytes
{
    private byte _first;
}

[InlineArray(Layout.HeaderMax)]
internal struct HeaderBytes
{
    private byte _first;
}

[StructLayout(LayoutKind.Sequential)]
internal struct LoadOptions
{
    public byte HaveSkbConntrack;
    private readonly byte _pad0;
    private readonly byte _pad1;
    private readonly byte _pad2;
    public uint FilterEntries;
}

[StructLayout(LayoutKind.Sequential)]
internal struct Config
{
    public uint Epoch;
    public uint Mark;
    public ulong HeartbeatDeadline;
    public uint SavedTcpBeLiberal;
    private readonly uint _pad2;
    public ulong Lease;
    public ulong TouchInterval;
    public uint NodeIp;
    public uint TunnelId;
    public ushort TunnelPort;
    public ushort SourcePortMin;
    public ushort SourcePortCount;
    public ProtocolBits Protocols;
    public byte InheritTos;
    public MacBytes TunnelMac;
    private readonly ushort _pad;
    public uint TimeoutTcpEstablished;
    public uint TimeoutTcpClosing;
    public uint TimeoutTcpClosed;
    public uint TimeoutUdpStream;
    public uint HostRegions;
    private readonly uint _pad3;
}

/// <summary>How the configuration begins in every layout version: what agents of other versions need of it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ConfigHead
{
    public uint Epoch;
    public uint Mark;
    public ulong HeartbeatDeadline;
    public uint SavedTcpBeLiberal;
    private readonly uint _pad;
}

[StructLayout(LayoutKind.Sequential)]
internal record struct FlowKey
{
    public uint LocalIp;
    public uint RemoteIp;
    public ushort LocalPort;
    public ushort RemotePort;
    public byte Protocol;
    private readonly byte _pad0;
    private readonly byte _pad1;
    private readonly byte _pad2;
}

[StructLayout(LayoutKind.Sequential)]
internal record struct FilterEntry
{
    public ulong EgressLease;
    public ulong IngressLease;
    public ulong Touched;
    public uint Epoch;
    public uint EndpointEpoch;
    public uint NodeEpoch;
    public ushort Endpoint;
    public ushort Node;
    public Closing Closing;
    public EntryFlags Flags;

    /// <summary>Of <see cref="EntryFlags.Excluded"/>: what its packets count as.</summary>
    public byte Reason;
    private readonly byte _pad;
    public int Unanswered;
}

[StructLayout(LayoutKind.Sequential)]
internal struct EgressEntry
{
    public uint Epoch;
    public uint IfIndex;
    public uint NodeIp;
    public uint Checksum;
    public ushort Mtu;
    public byte Tos;
    private readonly byte _pad0;
    public uint TunnelIp;
    public HeaderBytes Header;
}

[StructLayout(LayoutKind.Sequential)]
internal struct IngressEntry
{
    public uint Epoch;
    public uint IfIndex;
    public ulong LearnAfter;
    public uint Ip;
    public ushort Mtu;
    public EndpointMode Mode;
    public ProtocolBits Protocols;
    public EndpointFlags Flags;
    private readonly byte _pad0;
    private readonly ushort _pad1;
    public MacBytes PodMac;
    public MacBytes GatewayMac;
    public uint Since;
    private readonly uint _pad2;
}

[StructLayout(LayoutKind.Sequential)]
internal readonly record struct EndpointCounters(ulong EgressPackets, ulong EgressBytes, ulong IngressPackets, ulong IngressBytes)
{
    public static EndpointCounters operator +(EndpointCounters left, EndpointCounters right) => new(
        left.EgressPackets + right.EgressPackets,
        left.EgressBytes + right.EgressBytes,
        left.IngressPackets + right.IngressPackets,
        left.IngressBytes + right.IngressBytes);
}

/// <summary>Entries of the filter cache that are an endpoint's.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal record struct Held
{
    public long Entries;
    public long Counted;
    public ulong Refused;
}

[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ReasonCounters(ulong Egress, ulong Ingress);

[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ExcludedPrefix(uint Length, uint Address);

[StructLayout(LayoutKind.Sequential)]
internal record struct ExcludedPort
{
    public byte Protocol;
    private readonly byte _pad;
    public ushort Port;
}

[StructLayout(LayoutKind.Sequential)]
internal struct Witness
{
    public uint Length;
    private readonly uint _pad;
    public WitnessBytes Bytes;
}

[StructLayout(LayoutKind.Sequential)]
internal record struct HostRegion
{
    public uint LocalMin;
    public uint LocalMax;
    public uint RemoteMin;
    public uint RemoteMax;
    public ushort LocalPortMin;
    public ushort LocalPortMax;
    public ushort RemotePortMin;
    public ushort RemotePortMax;
    public byte Protocol;
    public RegionScope Scope;
    private readonly ushort _pad;
}

/// <summary>A connection whose end the fast path has seen and conntrack has not.</summary>
[StructLayout(LayoutKind.Sequential)]
internal record struct Ended
{
    public FlowKey Key;
    public ulong At;
    public Closing Closing;
    private readonly byte _pad0;
    private readonly ushort _pad1;
    private readonly uint _pad2;
}

/// <summary>The queue of them that one CPU fills and the agent empties: how many there have ever been.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal record struct EndedQueue
{
    public ulong Written;
    public ulong Taken;
}

[StructLayout(LayoutKind.Sequential)]
internal readonly record struct Sweep(ulong Live, ulong Purged);
