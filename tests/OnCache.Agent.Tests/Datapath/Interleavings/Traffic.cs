using OnCache.Agent.Datapath;
using OnCache.Agent.Tests.Datapath.Cases;
using OnCache.Agent.Tests.Datapath.Packets;

namespace OnCache.Agent.Tests.Datapath.Interleavings;

/// <summary>One of the programs and a packet for it.</summary>
/// <param name="Before">What conntrack has heard of before it; null for what it knows anyway.</param>
internal sealed record Run(string Program, byte[] Packet, ConntrackEntry? Before = null)
{
    public string Device => Program is ProgramNames.PodIngressLearn or ProgramNames.PodEgress ? "pod" : "nic";
}

/// <summary>Packets that teach, in their order, and packets that want the fast path.</summary>
/// <param name="Conntrack">What the CNI's conntrack vouches for from the beginning.</param>
internal sealed record Traffic(string Name, IReadOnlyList<ConntrackEntry> Conntrack, IReadOnlyList<Run> Learners, IReadOnlyList<Run> Wanting)
{
    private const int Asked = 6000;
    private const ushort Next = 5001;

    /// <summary>A flow with packets in both directions.</summary>
    public static Traffic Flow { get; } = new(
        "flow",
        [new ConntrackEntry()],
        [
            new Run(ProgramNames.PodIngressLearn, PacketBuilder.Build(Delivered(Udp(Asked, 5000)))),
            new Run(ProgramNames.NodeEgressLearn, PacketBuilder.Build(Sent(Udp(5000, Asked)))),
        ],
        [
            new Run(ProgramNames.PodEgress, PacketBuilder.Build(Flows.FromPod(5000))),
            new Run(ProgramNames.NodeIngress, PacketBuilder.Build(Flows.ToPod(5000))),
        ]);

    /// <summary>A connection that the CNI lets begin, and the next one of the same pair.</summary>
    public static Traffic ShortConnections { get; } = new(
        "short connections",
        [],
        [
            new Run(ProgramNames.NodeEgressLearn, PacketBuilder.Build(Sent(Tcp(5000, TcpFlags.Syn))), Connection("SYN_SENT", seenReply: false)),
            new Run(ProgramNames.PodIngressLearn, PacketBuilder.Build(Delivered(Answer())), Connection("SYN_RECV", seenReply: true)),
            new Run(ProgramNames.NodeEgressLearn, PacketBuilder.Build(Sent(Tcp(5000, TcpFlags.Ack))), Connection("ESTABLISHED", seenReply: true)),
        ],
        [
            new Run(ProgramNames.PodEgress, PacketBuilder.Build(FromPod(Tcp(Next, TcpFlags.Syn)))),
            new Run(ProgramNames.PodEgress, PacketBuilder.Build(FromPod(Tcp(Next, TcpFlags.Ack)))),
        ]);

    private static ConntrackEntry Connection(string state, bool seenReply) => new() { Protocol = CaseProtocol.Tcp, State = state, SeenReply = seenReply };

    private static List<Layer> FromPod(Layer transport) =>
    [
        new() { Ethernet = new() { From = "pod", To = "gateway" } },
        new() { Ipv4 = new() { From = "pod", To = "remote-pod" } },
        transport,
    ];

    /// <summary>As the CNI hands it to the pod.</summary>
    private static List<Layer> Delivered(Layer transport) =>
    [
        new() { Ethernet = new() { From = "gateway", To = "pod" } },
        new() { Ipv4 = new() { From = "remote-pod", To = "pod", Ttl = 63 } },
        transport,
    ];

    /// <summary>As the CNI sends it to the other node.</summary>
    private static List<Layer> Sent(Layer transport) =>
    [
        new() { Ethernet = new() { From = "nic", To = "next-hop" } },
        new() { Ipv4 = new() { From = "node", To = "remote-node", Fragment = 0 } },
        new() { Udp = new() { From = "40000", To = WellKnown.TunnelPort, Checksum = 0 } },
        new() { Vxlan = new() },
        new() { Ethernet = new() { From = "tunnel", To = "remote-tunnel" } },
        new() { Ipv4 = new() { From = "pod", To = "remote-pod", Ttl = 63 } },
        transport,
    ];

    private static Layer Udp(int from, int to) => new() { Udp = new() { From = from.ToString(System.Globalization.CultureInfo.InvariantCulture), To = to } };

    private static Layer Tcp(int from, TcpFlags flags) => new() { Tcp = new() { From = from, To = Asked, Flags = flags } };

    private static Layer Answer() => new() { Tcp = new() { From = Asked, To = 5000, Flags = TcpFlags.Syn | TcpFlags.Ack } };
}
