using OnCache.Agent.Net;

namespace OnCache.Agent.Tests.Net;

/// <summary>A node in flannel's layout: eth0 on a wire to a router, flannel.1, cni0 and one pod, with another node's entries.</summary>
internal sealed class FlannelNode : IDisposable
{
    public const string PodVeth = "vethpod";
    public const string PodAddress = "10.244.1.2";
    public const string PodMac = "02:00:00:00:02:02";
    public const string RemoteAddress = "192.0.2.2";
    public const string RemoteMac = "02:00:00:00:03:02";
    public const string RemoteVtepMac = "02:00:00:00:04:02";

    private readonly TestNamespace _pod;
    private readonly TestNamespace _wire;

    private FlannelNode(TestNamespace network, TestNamespace pod, TestNamespace wire)
    {
        Network = network;
        _pod = pod;
        _wire = wire;
    }

    public TestNamespace Network { get; }

    /// <summary>The namespace of the pod.</summary>
    public TestNamespace Pod => _pod;

    /// <summary>The other end of eth0, which answers ARP for 192.0.2.2 and 192.0.2.254.</summary>
    public TestNamespace Wire => _wire;

    public static FlannelNode Create()
    {
        var network = TestNamespace.Create();
        var pod = TestNamespace.Create();
        var wire = TestNamespace.Create();
        var node = new FlannelNode(network, pod, wire);
        try
        {
            network.Run(static () => File.WriteAllText("/proc/sys/net/ipv4/ip_forward", "1"));
            wire.IpBatch(
                $"link add port type veth peer name eth0 netns {network.Name}",
                $"link set port address {RemoteMac} up",
                $"address add {RemoteAddress}/24 dev port",
                "address add 192.0.2.254/24 dev port");
            network.IpBatch(
                "link set eth0 address 02:00:00:00:01:01 up",
                "address add 192.0.2.1/24 dev eth0",
                "route add default via 192.0.2.254",
                "link add flannel.1 mtu 1450 address 02:00:00:00:01:02 type vxlan id 1 local 192.0.2.1 dev eth0 dstport 8472 nolearning",
                "address add 10.244.1.0/32 dev flannel.1",
                "link set flannel.1 up",
                "route add 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink",
                $"neighbour add 10.244.2.0 lladdr {RemoteVtepMac} dev flannel.1 nud permanent",
                $"neighbour add {RemoteAddress} lladdr {RemoteMac} dev eth0 nud permanent",
                "link add cni0 mtu 1450 address 02:00:00:00:02:01 type bridge",
                "address add 10.244.1.1/24 dev cni0",
                $"link add {PodVeth} mtu 1450 type veth peer name eth0 address {PodMac} mtu 1450 netns {pod.Name}",
                $"link set {PodVeth} master cni0 up",
                "link set cni0 up",
                $"neighbour add {PodAddress} lladdr {PodMac} dev cni0 nud permanent");
            network.BridgeBatch(
                $"fdb add {RemoteVtepMac} dev flannel.1 dst {RemoteAddress} self",
                $"fdb add {PodMac} dev {PodVeth} master static");
            pod.IpBatch("link set eth0 up", $"address add {PodAddress}/24 dev eth0", "route add default via 10.244.1.1");
            return node;
        }
        catch
        {
            node.Dispose();
            throw;
        }
    }

    public NetworkSnapshot Read() => Network.Run(NetworkSnapshotReader.Read);

    public int IfIndex(string device) => Read().LinkByName(device)!.IfIndex;

    /// <inheritdoc/>
    public void Dispose()
    {
        Network.Dispose();
        _pod.Dispose();
        _wire.Dispose();
    }
}
