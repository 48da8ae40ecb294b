using FsCheck;
using FsCheck.Fluent;

using OnCache.Agent.Bpf;
using OnCache.Agent.Datapath;
using OnCache.Agent.Tests.Bpf;
using OnCache.Agent.Tests.Datapath.Packets;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>What holds whatever the packet is.</summary>
public sealed class RoundTripProperties(Stage stage) : IClassFixture<Stage>
{
    private static readonly Gen<byte> Octet = Gen.Choose(0, 255).Select(static value => (byte)value);

    private static readonly Arbitrary<InnerPacket> Packets = (
        from protocol in Gen.Elements(1, 6, 17)
        from local in Gen.Choose(0, 65535)
        from remote in Gen.Choose(0, 65535)
        from tos in Gen.Choose(0, 255).Where(static tos => (tos & 3) != 3)
        from ttl in Gen.Choose(3, 255)
        from id in Gen.Choose(0, 65535)
        from dontFragment in Gen.Elements(true, false)
        from length in Gen.OneOf(Gen.Choose(0, 64), Gen.Choose(1300, 1410))
        from payload in Octet.ArrayOf(length)
        select new InnerPacket(protocol, local, remote, tos, ttl, id, dontFragment, payload)).ToArbitrary();

    private static readonly Arbitrary<(int Start, byte[] Octets)> Garbage = (
        from start in Gen.Elements(0, 12, 14, 15, 23, 34, 42, 50, 64)
        from length in Gen.Choose(64, 300)
        from octets in Octet.ArrayOf(length)
        select (start, octets)).ToArbitrary();

    /// <summary>
    /// Out of one node and into the other: the same programs, once with the maps of this node and once with those of the
    /// remote one.
    /// </summary>
    [Fact]
    public void A_packet_arrives_as_it_was_sent_but_for_two_hops()
    {
        // Here and not with the first packet, where what skips a test would fail the property.
        stage.Reset();
        Prop.ForAll(Packets, packet =>
        {
            stage.Reset();
            stage.Maps.FilterCache.Set(packet.KeyAt("pod", "remote-pod"), Flows.FreshEntry());
            var sent = PacketBuilder.Build(packet.Layers("pod", "gateway", packet.Ttl));
            var wire = stage.Run(ProgramNames.PodEgress, sent, new PacketContext(Stage.IfIndex("pod")));
            wire.Verdict.ShouldBe(ProgramRun.Redirect);

            BecomeRemoteNode();
            stage.Maps.FilterCache.Set(packet.KeyAt("remote-pod", "pod"), Flows.FreshEntry());
            // A router on the way: the frame is for the NIC of the other node.
            WellKnown.Mac("nic").CopyTo(wire.Packet);
            WellKnown.Mac("next-hop").CopyTo(wire.Packet.AsSpan(6));
            var received = stage.Run(ProgramNames.NodeIngress, wire.Packet, new PacketContext(Stage.IfIndex("nic")));
            received.Verdict.ShouldBe(ProgramRun.Redirect);
            received.Packet.ShouldBe(PacketBuilder.Build(packet.Layers("gateway", "other-pod", packet.Ttl - 2)));
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Garbage_is_handed_to_the_cni_as_it_came()
    {
        stage.Reset();
        var flow = Flows.Cache(stage);
        var fromPod = PacketBuilder.Build(Flows.FromPod(flow));
        var toPod = PacketBuilder.Build(Flows.ToPod(flow));

        Prop.ForAll(Garbage, item =>
        {
            foreach (var (program, _) in ProgramNames.OfEndpoint.Concat(ProgramNames.OfNic))
            {
                // The longer the good beginning, the further the programs read.
                var good = program is ProgramNames.PodEgress or ProgramNames.PodIngressLearn ? fromPod : toPod;
                var frame = item.Octets.ToArray();
                if (frame.Length == good.Length)
                {
                    // With a good header and the right length, any payload is a packet.
                    continue;
                }

                good.AsSpan(0, Math.Min(item.Start, good.Length)).CopyTo(frame);
                var device = program is ProgramNames.PodEgress or ProgramNames.PodIngressLearn ? "pod" : "nic";
                var outcome = stage.Run(program, frame, new PacketContext(Stage.IfIndex(device), Stage.MissBit));
                outcome.Verdict.ShouldBe(ProgramRun.Next, program);
                outcome.Packet.ShouldBe(frame, program);
            }

            stage.Maps.FilterCache.Keys().ShouldBe([Flows.KeyOf(flow)], "nothing is learned of garbage, nothing forgotten");
        }).QuickCheckThrowOnFailure();
    }

    /// <summary>The maps as the remote node has them; what is "pod" here has the other pod's MAC there, to tell them apart.</summary>
    private void BecomeRemoteNode()
    {
        ref var config = ref stage.Maps.Config[0];
        config.NodeIp = SlotIndex.ToNetwork(WellKnown.Ip("remote-node"));
        WellKnown.Mac("remote-tunnel").CopyTo(config.TunnelMac);
        stage.Maps.EgressCache[Stage.RemoteNodeSlot].NodeIp = SlotIndex.ToNetwork(WellKnown.Ip("node"));
        ref var endpoint = ref stage.Maps.IngressCache[Stage.PodSlot];
        endpoint.Ip = SlotIndex.ToNetwork(WellKnown.Ip("remote-pod"));
        WellKnown.Mac("other-pod").CopyTo(endpoint.PodMac);
    }

    /// <summary>A packet of the pod; of ICMP, Local is the identifier and the pod asks.</summary>
    private sealed record InnerPacket(int Protocol, int Local, int Remote, int Tos, int Ttl, int Id, bool DontFragment, byte[] Payload)
    {
        public List<Layer> Layers(string from, string to, int ttl) =>
        [
            new() { Ethernet = new() { From = from, To = to } },
            new()
            {
                Ipv4 = new()
                {
                    From = "pod",
                    To = "remote-pod",
                    Tos = Tos,
                    Ttl = ttl,
                    Id = Id.ToString(System.Globalization.CultureInfo.InvariantCulture),
                    Fragment = DontFragment ? 0x4000 : 0,
                },
            },
            Transport,
            new() { Hex = Convert.ToHexString(Payload) },
        ];

        public FlowKey KeyAt(string local, string remote)
        {
            var sender = local == "pod";
            var (localPort, remotePort) = Protocol == 1 ? (Local, sender ? 0 : 1) : sender ? (Local, Remote) : (Remote, Local);
            return new FlowKey
            {
                LocalIp = SlotIndex.ToNetwork(WellKnown.Ip(local)),
                RemoteIp = SlotIndex.ToNetwork(WellKnown.Ip(remote)),
                LocalPort = Network(localPort),
                RemotePort = Network(remotePort),
                Protocol = (byte)Protocol,
            };
        }

        private Layer Transport => Protocol switch
        {
            1 => new() { Icmp = new() { Type = 8, Identifier = Local } },
            6 => new() { Tcp = new() { From = Local, To = Remote } },
            _ => new() { Udp = new() { From = Local.ToString(System.Globalization.CultureInfo.InvariantCulture), To = Remote } },
        };

        private static ushort Network(int port) => System.Buffers.Binary.BinaryPrimitives.ReverseEndianness((ushort)port);
    }
}
