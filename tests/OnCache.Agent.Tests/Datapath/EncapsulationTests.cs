using System.Buffers.Binary;

using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Tests.Bpf;
using OnCache.Agent.Tests.Datapath.Packets;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>What holds of every packet on the fast path, tried over all values of a field.</summary>
public sealed class EncapsulationTests(Stage stage) : IClassFixture<Stage>
{
    private const int Outer = 14;
    private const int Inner = 64;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_tos_byte_stays_and_the_outer_one_follows_rfc_6040(bool inherit)
    {
        const byte DeviceTos = 0xb8;
        stage.Reset();
        stage.SetNode(Stage.RemoteNodeSlot, "remote-node", tos: DeviceTos);
        stage.Maps.Config[0].InheritTos = inherit ? (byte)1 : (byte)0;
        var flow = Flows.Cache(stage);
        var fd = stage.Datapath.ProgramFd(ProgramNames.PodEgress);

        stage.Namespace.Run(() =>
        {
            for (var tos = 0; tos < 256; tos++)
            {
                var packet = PacketBuilder.Build(Flows.FromPod(flow, tos: tos));
                var outcome = ProgramRun.Once(fd, packet, new PacketContext(Stage.IfIndex("pod")));

                if ((tos & 3) == 3)
                {
                    outcome.Verdict.ShouldBe(ProgramRun.Next, $"TOS 0x{tos:x2} is congestion experienced");
                    outcome.Packet.ShouldBe(packet);
                    continue;
                }

                outcome.Verdict.ShouldBe(ProgramRun.Redirect, $"TOS 0x{tos:x2}");
                outcome.Packet[Outer + 1].ShouldBe((byte)(inherit ? tos : DeviceTos | (tos & 3)), $"outer TOS of 0x{tos:x2}");
                outcome.Packet[Inner..]
                    .ShouldBe(PacketBuilder.Build(Flows.FromPod(flow, tos: tos, ttl: 63))[Outer..], $"inner packet of TOS 0x{tos:x2}");
                InternetChecksum.Of(outcome.Packet.AsSpan(Outer, 20)).ShouldBe((ushort)0, $"outer checksum of TOS 0x{tos:x2}");
                outcome.Context.Priority.ShouldBe(PriorityOf(tos), $"priority of TOS 0x{tos:x2}");
            }
        });
    }

    [Fact]
    public void Every_inner_tos_byte_reaches_the_pod_under_every_outer_ecn()
    {
        stage.Reset();
        var flow = Flows.Cache(stage);
        var fd = stage.Datapath.ProgramFd(ProgramNames.NodeIngress);

        stage.Namespace.Run(() =>
        {
            for (var value = 0; value < 1024; value++)
            {
                var (tos, outer) = (value >> 2, value & 3);
                var packet = PacketBuilder.Build(Flows.ToPod(flow, tos: tos, outerTos: outer));
                var outcome = ProgramRun.Once(fd, packet, new PacketContext(Stage.IfIndex("nic")));
                var what = $"inner TOS 0x{tos:x2}, outer ECN {outer}";

                // RFC 6040 section 4.2: CE is passed on or drops the packet, ECT(1) is passed on to an inner ECT(0).
                if (outer == 3 || (outer == 1 && (tos & 3) == 2))
                {
                    outcome.Verdict.ShouldBe(ProgramRun.Next, what);
                    outcome.Packet.ShouldBe(packet, what);
                    continue;
                }

                outcome.Verdict.ShouldBe(ProgramRun.Redirect, what);
                outcome.Packet[Outer..].ShouldBe(PacketBuilder.Build(Flows.ToPod(flow, tos: tos, ttl: 63))[Inner..], what);
            }
        });
    }

    [Fact]
    public void Consecutive_packets_of_a_flow_have_different_ids_and_one_source_port()
    {
        stage.Reset();
        var packet = PacketBuilder.Build(Flows.FromPod(Flows.Cache(stage)));
        var fd = stage.Datapath.ProgramFd(ProgramNames.PodEgress);

        var outcomes = stage.Namespace.Run(() =>
            Enumerable.Range(0, 16).Select(_ => ProgramRun.Once(fd, packet, new PacketContext(Stage.IfIndex("pod")))).ToList());

        // The counter behind the id is a CPU's own, and the thread may have changed its CPU.
        outcomes.Select(outcome => Word(outcome.Packet, Outer + 4)).Distinct().Count().ShouldBeGreaterThanOrEqualTo(8);
        outcomes.Select(outcome => Word(outcome.Packet, Outer + 20)).Distinct().Count().ShouldBe(1);
    }

    [Fact]
    public void Flows_spread_over_the_source_ports_and_none_leaves_the_range()
    {
        const ushort First = 50000;
        const ushort Count = 7;
        stage.Reset();
        stage.Maps.Config[0].SourcePortMin = First;
        stage.Maps.Config[0].SourcePortCount = Count;
        var fd = stage.Datapath.ProgramFd(ProgramNames.PodEgress);
        var flows = Enumerable.Range(0, 200).Select(i => Flows.Cache(stage, (ushort)(1000 + i))).ToList();

        var ports = stage.Namespace.Run(() => flows
            .Select(flow => ProgramRun.Once(fd, PacketBuilder.Build(Flows.FromPod(flow)), new PacketContext(Stage.IfIndex("pod"))))
            .Select(outcome => Word(outcome.Packet, Outer + 20))
            .Distinct()
            .ToList());

        ports.ShouldBeSubsetOf(Enumerable.Range(First, Count).Select(port => (ushort)port));
        ports.Count.ShouldBe(Count);
    }

    /// <summary>RFC 1624 has a corner where a careless update leaves 0xffff for 0.</summary>
    [Theory]
    [InlineData(0x0000)]
    [InlineData(0x0001)]
    [InlineData(0xfefe)]
    [InlineData(0xfeff)]
    [InlineData(0xff00)]
    [InlineData(0xfffe)]
    public void The_checksum_after_the_ttl_is_exact_around_the_carry(int checksum)
    {
        stage.Reset();
        var flow = Flows.Cache(stage);
        var id = Enumerable.Range(0, 0x10000)
            .First(id => Word(PacketBuilder.Build(Flows.FromPod(flow, id: id)), Outer + 10) == checksum);

        var packet = PacketBuilder.Build(Flows.FromPod(flow, id: id));
        var outcome = stage.Run(ProgramNames.PodEgress, packet, new PacketContext(Stage.IfIndex("pod")));

        outcome.Verdict.ShouldBe(ProgramRun.Redirect);
        outcome.Packet[Inner..].ShouldBe(PacketBuilder.Build(Flows.FromPod(flow, id: id, ttl: 63))[Outer..]);
    }

    [Fact]
    public void Counters_add_up_over_packets()
    {
        stage.Reset();
        var packet = PacketBuilder.Build(Flows.FromPod(Flows.Cache(stage)));
        var fd = stage.Datapath.ProgramFd(ProgramNames.PodEgress);

        stage.Namespace.Run(() =>
        {
            for (var i = 0; i < 10; i++)
            {
                ProgramRun.Once(fd, packet, new PacketContext(Stage.IfIndex("pod"))).Verdict.ShouldBe(ProgramRun.Redirect);
            }
        });

        stage.Maps.EndpointCounters.Read(Stage.PodSlot)
            .Aggregate(default(EndpointCounters), static (sum, cpu) => sum + cpu)
            .ShouldBe(new EndpointCounters(10, 10UL * (ulong)packet.Length, 0, 0));
    }

    /// <summary>RFC 1349's classes as the kernel's forwarding maps them: normal, bulk, interactive, both.</summary>
    private static uint PriorityOf(int tos) => ((tos >> 3) & 3) switch
    {
        0 => 0,
        1 => 2,
        2 => 6,
        _ => 4,
    };

    private static ushort Word(byte[] packet, int offset) => BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(offset));
}
