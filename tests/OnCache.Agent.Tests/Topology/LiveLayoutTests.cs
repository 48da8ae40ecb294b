using OnCache.Agent.Net;
using OnCache.Agent.Tests.Net;
using OnCache.Agent.Topology;

namespace OnCache.Agent.Tests.Topology;

public sealed class LiveLayoutTests
{
    [Fact]
    public void Flannels_layout_resolves_whole()
    {
        using var node = FlannelNode.Create();
        var network = node.Read();
        var underlay = UnderlayResolver.Resolve(network, Networks.Options).Value.ShouldNotBeNull();

        underlay.Tunnel.Name.ShouldBe("flannel.1");
        underlay.Tunnel.Mac.ShouldBe(MacAddress.Parse("02:00:00:00:01:02"));
        underlay.Tunnel.Vni.ShouldBe(1u);
        underlay.Tunnel.Port.ShouldBe((ushort)8472);
        underlay.LocalAddress.ShouldBe(Ipv4Address.Parse("192.0.2.1"));
        underlay.Nic.ShouldBe(new UnderlayNic(node.IfIndex("eth0"), "eth0", MacAddress.Parse("02:00:00:00:01:01"), 1500));

        RemoteNodeResolver.Resolve(network, underlay).ShouldHaveSingleItem().Resolution.Value.ShouldBe(new RemoteNode
        {
            Address = Ipv4Address.Parse(FlannelNode.RemoteAddress),
            NicIfIndex = node.IfIndex("eth0"),
            NicMac = MacAddress.Parse("02:00:00:00:01:01"),
            NextHop = Ipv4Address.Parse(FlannelNode.RemoteAddress),
            NextHopMac = MacAddress.Parse(FlannelNode.RemoteMac),
            VtepMac = MacAddress.Parse(FlannelNode.RemoteVtepMac),
            TunnelAddress = Ipv4Address.Parse("10.244.2.0"),
            Mtu = 1450,
        });

        Resolve(network, FlannelNode.PodAddress).Value.ShouldBe(new EndpointAttachment
        {
            HostIfIndex = node.IfIndex(FlannelNode.PodVeth),
            HostIfName = FlannelNode.PodVeth,
            BridgeIfIndex = node.IfIndex("cni0"),
            PodMac = MacAddress.Parse(FlannelNode.PodMac),
            GatewayMac = MacAddress.Parse("02:00:00:00:02:01"),
            Mtu = 1450,
        });
    }

    [Fact]
    public void Calicos_layout_resolves_a_pod_by_its_own_route()
    {
        using var node = FlannelNode.Create();
        node.Network.IpBatch(
            $"link add cali0 mtu 1450 address ee:ee:ee:ee:ee:ee type veth peer name eth7 address 02:00:00:00:07:07 netns {node.Pod.Name}",
            "link set cali0 up",
            "route add 10.244.1.77/32 dev cali0 scope link",
            "neighbour add 10.244.1.77 lladdr 02:00:00:00:07:07 dev cali0 nud reachable");
        var network = node.Read();

        Resolve(network, "10.244.1.77").Value.ShouldBe(new EndpointAttachment
        {
            HostIfIndex = node.IfIndex("cali0"),
            HostIfName = "cali0",
            BridgeIfIndex = 0,
            PodMac = MacAddress.Parse("02:00:00:00:07:07"),
            GatewayMac = MacAddress.Parse("ee:ee:ee:ee:ee:ee"),
            Mtu = 1450,
        });
    }

    [Fact]
    public async Task A_pod_the_node_has_never_talked_to_resolves_after_its_probe()
    {
        using var node = FlannelNode.Create();
        node.Network.Ip($"neighbour delete {FlannelNode.PodAddress} dev cni0");
        node.Network.Bridge($"fdb delete {FlannelNode.PodMac} dev {FlannelNode.PodVeth} master");
        using var monitor = node.Network.Run(static () => NetworkMonitor.Start());
        using var prober = node.Network.Run(NeighbourProber.Open);
        var probe = Resolve(monitor.Current, FlannelNode.PodAddress).Refusal.ShouldNotBeNull().Probe.ShouldNotBeNull();

        prober.Use(probe.IfIndex, probe.Address);

        var change = await monitor.UntilAsync(static network => Resolve(network, FlannelNode.PodAddress).Value is not null, "the pod");
        Resolve(change.Snapshot, FlannelNode.PodAddress).Value.ShouldNotBeNull().PodMac.ShouldBe(MacAddress.Parse(FlannelNode.PodMac));
    }

    [Fact]
    public void Bandwidth_limits_on_the_veth_are_found()
    {
        using var node = FlannelNode.Create();
        node.Network.Tc($"qdisc add dev {FlannelNode.PodVeth} root handle 1: tbf rate 1mbit burst 32kbit latency 400ms");
        node.Network.Tc($"qdisc add dev {FlannelNode.PodVeth} ingress");
        node.Network.Tc($"filter add dev {FlannelNode.PodVeth} ingress prio 3 bpf bytecode \"1,6 0 0 0\"");

        var attachment = Resolve(node.Read(), FlannelNode.PodAddress).Value.ShouldNotBeNull();
        attachment.IngressShaped.ShouldBe($"{FlannelNode.PodVeth}: queueing discipline tbf");
        attachment.EgressShaped.ShouldBe($"{FlannelNode.PodVeth}: bpf filter of priority 3 at ingress");
    }

    [Fact]
    public void Our_own_lookup_goes_where_the_kernels_goes()
    {
        using var node = FlannelNode.Create();
        node.Network.IpBatch(
            "route add 198.51.100.0/24 via 192.0.2.253",
            "route add 198.51.100.0/25 via 192.0.2.252 metric 9",
            "route add 198.51.100.0/25 via 192.0.2.251 metric 5",
            "route add 198.51.100.8/32 via 192.0.2.250 table 77",
            "rule add priority 100 to 198.51.100.8/32 lookup 77");
        var network = node.Read();

        foreach (var destination in (string[])["198.51.100.7", "198.51.100.8", "198.51.100.200", "203.0.113.1", "192.0.2.7", "10.244.2.9",
            "10.244.1.9"])
        {
            var route = RouteLookup.Find(network, Ipv4Address.Parse(destination)).Route.ShouldNotBeNull(destination);
            var expected = node.Network.Ip($"-4 route get {destination}").Split(' ');
            network.NameOf(route.OutIfIndex).ShouldBe(After(expected, "dev"), destination);
            route.Gateway?.ToString().ShouldBe(After(expected, "via"), destination);
        }
    }

    private static string? After(string[] words, string word) => Array.IndexOf(words, word) is >= 0 and var at ? words[at + 1] : null;

    private static Resolution<EndpointAttachment, EndpointReason> Resolve(NetworkSnapshot network, string pod) =>
        EndpointResolver.Resolve(network, new BridgePorts(network), Ipv4Address.Parse(pod), static _ => false);
}
