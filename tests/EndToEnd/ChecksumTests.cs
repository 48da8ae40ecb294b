using System.Globalization;
using System.Net.Sockets;
using OnCache.Agent.Net;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;
using OnCache.Lab.Traffic;

namespace OnCache.EndToEnd;

/// <summary>
/// A packet that was damaged on its way reaches no application that it would not reach without us, whatever the receiving
/// device says of checksums; and one that is whole is delivered. Each state in which a packet can arrive is a row, and the plain
/// overlay is asked first (docs/datapath.md, Checksums).
/// </summary>
public sealed class ChecksumTests
{
    private const int Copies = 5;
    private const string Nic = "nic0";
    private static readonly ProtocolType[] s_protocols = [ProtocolType.Udp, ProtocolType.Tcp, ProtocolType.Icmp];

    /// <summary>What the receiving node's NIC says of a frame's checksums.</summary>
    public enum Verdict
    {
        /// <summary>Nothing.</summary>
        None,

        /// <summary>GRO has looked at it.</summary>
        Gro,

        /// <summary>The outermost one is right, or absent.</summary>
        Outermost,

        /// <summary>The inner one is right, too: it is not, where the frame was damaged behind the NIC, and then nobody sees it.</summary>
        Both,

        /// <summary>The sum over the whole packet.</summary>
        Sum,
    }

    [Theory]
    [InlineData(Verdict.None)]
    [InlineData(Verdict.Gro)]
    [InlineData(Verdict.Outermost)]
    [InlineData(Verdict.Both)]
    [InlineData(Verdict.Sum)]
    public async Task What_was_damaged_is_delivered_to_nobody_who_would_not_get_it_without_us(Verdict verdict)
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync();
        var (from, to) = (lab.Client.Node, lab.Server.Node);
        if (verdict == Verdict.Sum)
        {
            await ReceiveOnSummingDeviceAsync(lab);
        }
        else if (verdict == Verdict.Gro)
        {
            await to.DoAsync($"ethtool -K {to.UnderlayDevice} gro on");
            // Or a veth has no queue on which to merge (veth_skb_is_eligible_for_gro).
            await from.DoAsync($"ethtool -K {from.UnderlayDevice} tso off");
        }

        var device = verdict == Verdict.Sum ? Nic : to.UnderlayDevice;
        using var nic = ForeignProgram.Attach(
            to, device, TcDirection.Ingress, verifies: verdict switch { Verdict.Outermost => 1, Verdict.Both => 2, _ => 0 });
        using var wire = new FrameSender(from, verdict == Verdict.Sum ? Nic : from.UnderlayDevice);
        List<Row> plain;
        await using (var unaided = new Talks(lab))
        {
            plain = await DeliveredAsync(lab, unaided, wire, device);
        }

        await lab.StartAsync(config: null, "--tunnel-device", to.TunnelDevice);
        await using var talks = new Talks(lab);
        foreach (var talk in talks.All)
        {
            await lab.LearnAsync(talk);
        }

        var hits = await lab.AgentOf(lab.Server).HitsAsync(lab.Server);
        var ours = await DeliveredAsync(lab, talks, wire, device);

        // The kernel verifies an outer checksum that is there; we do not, as the inner one is verified.
        ours.Where(static row => row.Frame.Outer != OuterChecksum.Wrong).ShouldBe(plain.Where(static row => row.Frame.Outer != OuterChecksum.Wrong));
        ours.ShouldAllBe(row => row.Frame.Damaged != row.Delivered || verdict == Verdict.Both);
        (await lab.AgentOf(lab.Server).HitsAsync(lab.Server) - hits).Ingress.ShouldBeGreaterThanOrEqualTo(Copies * ours.Count, "these were hits");
        nic.Summed.ShouldBe(verdict == Verdict.Sum);
        if (verdict != Verdict.Sum)
        {
            nic.Verified.ShouldBe(verdict switch { Verdict.None => 0, Verdict.Outermost => 1, _ => 2 }, "GRO verifies inner ones, too");
        }
    }

    /// <summary>A device that leaves the outer checksum to the receiver (CHECKSUM_PARTIAL), as between containers of one host.</summary>
    [Fact]
    public async Task A_checksum_that_was_left_to_the_device_covers_no_other()
    {
        LiveLab.Require();
        await using var lab = await AcceleratedLab.PlainAsync();
        await lab.Client.DoAsync("ethtool -K eth0 tx off");
        // Or the sender's own node drops what is damaged.
        await lab.Client.Node.DoAsync("sysctl -qw net.netfilter.nf_conntrack_checksum=0");
        await using var talks = new Talks(lab);
        // The sender's kernel makes the outer header, and leaves its checksum to the NIC.
        await lab.AgentOf(lab.Server).StartAsync();
        var agent = lab.AgentOf(lab.Server);
        using var pod = new FrameSender(lab.Client, "eth0");
        using var tap = new FrameTap(lab.Client.Node);
        foreach (var (protocol, talk) in s_protocols.Zip(talks.All))
        {
            _ = await Eventually.ReadsAsync(
                async () =>
                {
                    var before = await agent.HitsAsync(lab.Server);
                    await talk.ExchangeAsync(4);
                    return await agent.HitsAsync(lab.Server) - before;
                },
                static grown => grown is { Egress: >= 4, Ingress: >= 4 },
                "the server's side on the fast path");
            var host = lab.Client.HostInterface;
            _ = tap.Take();
            await talk.ExchangeAsync(1);
            var inner = tap.Take().First(frame => frame.Device == host && TunnelFrame.Holds(InTunnel(frame.Bytes), protocol)).Bytes;
            foreach (var damaged in (bool[])[false, true])
            {
                var frame = TunnelFrame.InnerOf(TunnelFrame.Again(InTunnel(inner), OuterChecksum.None, damaged));
                var (hits, errors) = (await agent.HitsAsync(lab.Server), Errors(lab.Server, protocol));
                for (var i = 0; i < Copies; i++)
                {
                    pod.Send(frame);
                }

                _ = await Eventually.ReadsAsync(async () => await agent.HitsAsync(lab.Server) - hits, static grown => grown.Ingress >= Copies, "all of them have arrived, as hits");
                (Errors(lab.Server, protocol) - errors).ShouldBe(damaged ? Copies : 0, $"{protocol}, damaged: {damaged}");
            }
        }

        // The header's addresses are of no account here.
        static byte[] InTunnel(byte[] inner)
        {
            var frame = new byte[50 + inner.Length];
            frame[14 + 2] = (byte)((36 + inner.Length) >> 8);
            frame[14 + 3] = (byte)(36 + inner.Length);
            frame[14 + 9] = (byte)ProtocolType.Udp;
            (frame[36], frame[37]) = (AddressPlan.VxlanPort >> 8, AddressPlan.VxlanPort & 0xff);
            inner.CopyTo(frame.AsSpan(50));
            return frame;
        }
    }

    /// <summary>Sends each kind of frame anew and says what became of it.</summary>
    private static async Task<List<Row>> DeliveredAsync(AcceleratedLab lab, Talks talks, FrameSender wire, string device)
    {
        var rows = new List<Row>();
        foreach (var (protocol, talk) in s_protocols.Zip(talks.All))
        {
            using var tap = new FrameTap(lab.Server.Node);
            await talk.ExchangeAsync(2);
            var seen = tap.Take().Last(frame => frame.Device == device && TunnelFrame.Holds(frame.Bytes, protocol)).Bytes;
            foreach (var outer in Enum.GetValues<OuterChecksum>())
            {
                foreach (var damaged in (bool[])[false, true])
                {
                    var frame = TunnelFrame.Again(seen, outer, damaged);
                    rows.Add(new Row(new Kind(protocol, outer, damaged), await IsDeliveredAsync(lab.Server, talks, protocol, () => wire.Send(frame))));
                }
            }
        }

        return rows;
    }

    private static async Task<bool> IsDeliveredAsync(LabPod pod, Talks talks, ProtocolType protocol, Action send)
    {
        var (errors, arrived) = (Errors(pod, protocol), Arrived());
        var fence = Task.CompletedTask;
        var sending = new Thread(() =>
        {
            // Each CPU has its queue: on one, what is sent later arrives later.
            CoreUse.Pin(Thread.GetCurrentProcessorId());
            for (var i = 0; i < Copies; i++)
            {
                send();
            }

            fence = talks.Fence.ExchangeAsync(1);
        });
        sending.Start();
        sending.Join();
        await fence;
        var (refused, delivered) = (Errors(pod, protocol) - errors, Arrived() - arrived);
        // Conntrack sums, too, and then the node's rules drop them. An acknowledgement may come late.
        return (refused, delivered) switch
        {
            (0 or Copies, 0) => false,
            (0 or Copies, < Copies) when protocol == ProtocolType.Tcp => false,
            (0, Copies) => true,
            (0, > Copies) when protocol == ProtocolType.Tcp => true,
            _ => throw new InvalidOperationException($"{delivered} delivered, {refused} refused of {Copies}"),
        };

        long Arrived() => protocol switch
        {
            ProtocolType.Udp => talks.Udp.Echo.Received,
            // Segments that had been received before, and are as they were: acknowledged anew.
            ProtocolType.Tcp => Counter(pod, "Tcp", "InSegs") - Errors(pod, protocol),
            _ => Counter(pod, "Icmp", "InEchos"),
        };
    }

    private static long Errors(LabPod pod, ProtocolType protocol) =>
        Counter(pod, $"{protocol}", "InCsumErrors");

    private static long Counter(LabPod pod, string group, string name)
    {
        var lines = pod.Run(static () => File.ReadAllText("/proc/thread-self/net/snmp")).Split('\n').Where(line => line.StartsWith($"{group}: ", StringComparison.Ordinal)).ToArray();
        var column = Array.IndexOf(lines[0].Split(' '), name);
        column.ShouldBePositive($"{group} {name}");
        return long.Parse(lines[1].Split(' ')[column], CultureInfo.InvariantCulture);
    }

    /// <summary>The overlay moves onto another tunnel, which sums what it receives: the one device here that hands packets on with their sum.</summary>
    private static async Task ReceiveOnSummingDeviceAsync(AcceleratedLab lab)
    {
        const string Under = "under0";
        string Address(LabNode node) => $"192.168.78.{node.Index}";
        foreach (var node in lab.Overlay.Nodes)
        {
            var peer = lab.Overlay.Nodes.Single(other => other != node);
            await node.DoAsync($"ethtool -K {node.UnderlayDevice} tx off");
            await node.DoAsync($"ip link add {Under} type vxlan id 7 local {node.Address} remote {peer.Address} dev {node.UnderlayDevice} dstport 4444 udpcsum");
            await node.DoAsync($"ip link add {Nic} type bridge");
            await node.DoAsync($"ip link set {Under} up master {Nic}");
            await node.DoAsync($"ip link set {Nic} up");
            await node.DoAsync($"ip address add {Address(node)}/24 dev {Nic}");
            await node.DoAsync($"ip link delete {node.TunnelDevice}");
            await node.DoAsync($"ip link add {node.TunnelDevice} mtu {lab.Overlay.PodMtu} address {node.TunnelMac} type vxlan id {AddressPlan.Vni} local {Address(node)} dev {Nic} dstport {AddressPlan.VxlanPort} nolearning");
            await node.DoAsync($"ip address add {AddressPlan.Tunnel(node.Index)}/32 dev {node.TunnelDevice}");
            await node.DoAsync($"ip link set {node.TunnelDevice} up");
            await Tunnel.JoinAsync(node, peer);
            await node.DoAsync($"bridge fdb replace {peer.TunnelMac} dev {node.TunnelDevice} dst {Address(peer)} self permanent");
        }
    }

    private sealed record Kind(ProtocolType Protocol, OuterChecksum Outer, bool Damaged);

    private sealed record Row(Kind Frame, bool Delivered);

    /// <summary>A flow of each protocol, and one to know by that what was sent before has arrived.</summary>
    private sealed class Talks(AcceleratedLab lab) : IAsyncDisposable
    {
        private readonly TcpConversation tcp = TcpConversation.OpenAsync(lab.Client, lab.Server).GetAwaiter().GetResult();
        private readonly IcmpConversation icmp = new(lab.Client, lab.Server);

        public UdpConversation Udp { get; } = new(lab.Client, lab.Server);

        public UdpConversation Fence { get; } = new(lab.Client, lab.Server);

        public IReadOnlyList<IConversation> All => [Udp, tcp, icmp];

        public async ValueTask DisposeAsync()
        {
            await Udp.DisposeAsync();
            await Fence.DisposeAsync();
            await tcp.DisposeAsync();
            await icmp.DisposeAsync();
        }
    }
}
