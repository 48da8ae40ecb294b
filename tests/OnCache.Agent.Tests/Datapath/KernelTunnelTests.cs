using System.Globalization;

using OnCache.Agent.Datapath;
using OnCache.Agent.Tests.Bpf;
using OnCache.Agent.Tests.Datapath.Packets;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>The fast path beside the kernel's own VXLAN device: the same packet, the same octets on the wire.</summary>
public sealed class KernelTunnelTests(Stage stage) : IClassFixture<Stage>
{
    private const int TunnelDevice = 301;
    private const int Id = 18;
    private const int Checksum = 24;

    private static readonly string s_ports = string.Create(
        CultureInfo.InvariantCulture, $"{WellKnown.SourcePortMin} {WellKnown.SourcePortMin + WellKnown.SourcePortCount}");

    private static readonly string[] s_tunnel =
    [
        "addr add 192.168.77.1/24 dev nic",
        "link set nic-peer up",
        $"neigh add 192.168.77.2 lladdr {WellKnown.Mac("next-hop")} dev nic nud permanent",
        $"link add tunnel index {TunnelDevice} address {WellKnown.Mac("tunnel")} type vxlan id {WellKnown.Vni} dev nic "
            + $"local 192.168.77.1 dstport {WellKnown.TunnelPort} srcport {s_ports} ttl 64 noudpcsum nolearning",
        "link set tunnel up",
    ];

    [Fact]
    public void Headers_and_source_ports_are_those_of_the_kernel()
    {
        stage.Reset();
        stage.Namespace.IpBatch(s_tunnel);
        try
        {
            stage.Namespace.Bridge($"fdb append {WellKnown.Mac("remote-tunnel")} dev tunnel dst 192.168.77.2");
            var fd = stage.Datapath.ProgramFd(ProgramNames.PodEgress);
            var ports = new HashSet<int>();

            stage.Namespace.Run(() =>
            {
                using var tunnel = new RawLink(TunnelDevice);
                using var wire = new RawLink(Stage.IfIndex("nic") + 1);
                for (ushort port = 2000; port < 2032; port++)
                {
                    Flows.Cache(stage, port);
                    var tos = port % 3;
                    var packet = PacketBuilder.Build(Flows.FromPod(port, tos: tos));
                    var ours = ProgramRun.Once(fd, packet, new PacketContext(Stage.IfIndex("pod")));
                    ours.Verdict.ShouldBe(ProgramRun.Redirect);
                    // What the CNI hands to its tunnel device: routed, so one hop less, and readdressed.
                    var routed = PacketBuilder.Build(Flows.FromPod(port, tos: tos, ttl: 63));
                    WellKnown.Mac("remote-tunnel").CopyTo(routed);
                    WellKnown.Mac("tunnel").CopyTo(routed.AsSpan(6));
                    tunnel.Send(routed);
                    var theirs = wire.Receive(frame => frame.AsSpan(64).SequenceEqual(ours.Packet.AsSpan(64)));

                    WithoutId(ours.Packet).ShouldBe(WithoutId(theirs), $"flow of port {port}");
                    ports.Add(theirs[34] << 8 | theirs[35]);
                }
            });

            ports.Count.ShouldBeGreaterThan(24, "the flows must have different source ports, or the comparison says little");
        }
        finally
        {
            stage.Namespace.IpBatch("link delete tunnel", "addr flush dev nic");
        }
    }

    /// <summary>The id is each side's own, and the checksum follows.</summary>
    private static byte[] WithoutId(byte[] frame)
    {
        var copy = frame.ToArray();
        copy.AsSpan(Id, 2).Clear();
        copy.AsSpan(Checksum, 2).Clear();
        return copy;
    }
}
