namespace OnCache.EndToEnd.Differences;

/// <summary>All rows.</summary>
internal static class DifferenceRows
{
    public const string BetterRoute = "A better route is added and taken away again";
    public const string VethDownAndUp = "The pod's veth goes down and up";
    public const string RoutedByMark = "Packets are routed by a mark";

    private const string UdpAnswered = "udp: all answered";
    private const string UdpLost = "udp: none answered";
    private const string TcpGoesOn = "tcp: goes on";

    /// <summary>A second way between the two nodes, without an overlay: to route pods' packets by.</summary>
    private static readonly string[] s_secondWire =
    [
        "n1: ip link add eth1 type veth peer name eth1 netns {n2}",
        "n1: ip address add 192.168.78.1/24 dev eth1",
        "n1: ip link set eth1 up",
        "n2: ip address add 192.168.78.2/24 dev eth1",
        "n2: ip link set eth1 up",
    ];

    public static IReadOnlyList<Difference> All { get; } =
    [
        new("The tunnel device gets another MAC address, and the peer learns of it")
        {
            Phases =
            [
                new(["n2: ip link set flannel.1 address 02:00:5e:00:00:07"], UdpLost),
                new(
                    [
                        "n1: ip neighbour replace 10.244.2.0 lladdr 02:00:5e:00:00:07 dev flannel.1 nud permanent",
                        // Its own neighbours went with its address.
                        "n2: ip neighbour replace 10.244.1.0 lladdr {n1.mac} dev flannel.1 nud permanent",
                        "n1: bridge fdb append 02:00:5e:00:00:07 dev flannel.1 dst 192.168.77.2 self permanent",
                    ],
                    UdpAnswered,
                    TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("The tunnel device is deleted and created again")
        {
            Phases =
            [
                new(["n1: ip link delete flannel.1"], UdpLost),
                new(
                    [
                        "n1: ip link add flannel.1 mtu 1450 address {mac} type vxlan id 1 local 192.168.77.1 dev eth0 dstport 8472 nolearning",
                        "n1: ip address add 10.244.1.0/32 dev flannel.1",
                        "n1: ip link set flannel.1 up",
                        "n1: ip route add 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink",
                        "n1: ip neighbour add 10.244.2.0 lladdr {n2.mac} dev flannel.1 nud permanent",
                        "n1: bridge fdb append {n2.mac} dev flannel.1 dst 192.168.77.2 self permanent",
                    ],
                    UdpAnswered,
                    TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("A second VXLAN device appears")
        {
            Phases =
            [
                new(
                    ["n1: ip link add vxlan9 type vxlan id 9 local 192.168.77.1 dev eth0 dstport 4789", "n1: ip link set vxlan9 up"],
                    UdpAnswered,
                    TcpGoesOn,
                    "vxlan 1"),
            ],
        },
        new("The tunnel device's checksum offload is switched off")
        {
            Phases = [new(["n1: ethtool -K flannel.1 tx off", "n2: ethtool -K flannel.1 tx off rx off"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true }],
        },
        new("The NIC is renamed")
        {
            Phases = [new(["n1: ip link set eth0 down", "n1: ip link set eth0 name ens9", "n1: ip link set ens9 up"], "n1 ens9:", TcpGoesOn)],
        },
        new("The node's address changes and the tunnel keeps the old one")
        {
            Phases =
            [
                new(["n1: ip address delete 192.168.77.1/24 dev eth0", "n1: ip address add 192.168.77.11/24 dev eth0"], UdpLost),
                new(["n1: ip address delete 192.168.77.11/24 dev eth0", "n1: ip address add 192.168.77.1/24 dev eth0"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("A worse route is added")
        {
            Setup = s_secondWire,
            Phases =
            [
                new(
                    ["n1: ip route add 10.244.2.0/24 via 192.168.78.2 dev eth1 metric 500", "n1: ip route add 10.244.0.0/16 via 192.168.78.2 dev eth1"],
                    "n2 eth0:") { AcceleratedAgain = true },
            ],
        },
        new(BetterRoute)
        {
            Setup = s_secondWire,
            Phases =
            [
                new(["n1: ip route add 10.244.2.0/25 via 192.168.78.2 dev eth1"], "n2 eth1:", UdpAnswered),
                new(["n1: ip route delete 10.244.2.0/25"], "n2 eth0:", UdpAnswered) { AcceleratedAgain = true },
            ],
        },
        new("The flow is not tracked")
        {
            Setup =
            [
                "n1: iptables -t raw -A PREROUTING -p udp --dport 7777 -j CT --notrack",
                "n1: iptables -t raw -A PREROUTING -p udp --sport 7777 -j CT --notrack",
            ],
            Shows = [UdpAnswered],
            Accelerated = false,
        },
        new("The flow is tracked no longer")
        {
            Phases =
            [
                new(
                    [
                        "n1: iptables -t raw -A PREROUTING -p udp --dport 7777 -j CT --notrack",
                        "n1: iptables -t raw -A PREROUTING -p udp --sport 7777 -j CT --notrack",
                    ],
                    UdpAnswered),
            ],
        },
        new(VethDownAndUp)
        {
            Phases =
            [
                new(["n1: ip link set {veth} down"], UdpLost),
                new(["n1: ip link set {veth} up"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("The path's MTU becomes smaller, first beneath the tunnel and then on it")
        {
            Observes = Observation.PathMtu,
            Phases =
            [
                new(["n1: ip link set eth0 mtu 1300"], "path mtu: 1450", "fragment"),
                new(["n1: ip link set flannel.1 mtu 1250"], "path mtu: 1250") { AcceleratedAgain = true },
            ],
        },
        new("A bandwidth limit towards the pod, as the CNI's plugin sets it")
        {
            Setup = ["n2: tc qdisc add dev {veth} root tbf rate 8mbit burst 65536 latency 25ms"],
            Shows = ["1 MB/s"],
            Observes = Observation.Rate,
            Accelerated = false,
        },
        new("A bandwidth limit from the pod, as the CNI's plugin sets it")
        {
            Setup =
            [
                "n1: ip link add ifb0 type ifb",
                "n1: ip link set ifb0 up",
                "n1: tc qdisc add dev {veth} ingress",
                "n1: tc filter add dev {veth} parent ffff: protocol all u32 match u32 0 0 action mirred egress redirect dev ifb0",
                "n1: tc qdisc add dev ifb0 root tbf rate 8mbit burst 65536 latency 25ms",
            ],
            Shows = ["1 MB/s"],
            Observes = Observation.Rate,
            Accelerated = false,
        },
        new(RoutedByMark)
        {
            Setup =
            [
                .. s_secondWire,
                "n1: ip route add 10.244.2.0/24 via 192.168.78.2 dev eth1 table 77",
            ],
            Phases =
            [
                new(
                    ["n1: iptables -t mangle -A PREROUTING -p udp --dport 7777 -j MARK --set-mark 0x77", "n1: ip rule add fwmark 0x77 lookup 77"],
                    "n2 eth1:",
                    UdpAnswered),
            ],
        },
        new("Another device of the node gets the pod's address")
        {
            Phases =
            [
                new(["n2: ip address add 10.244.2.2/32 dev cni0"], UdpLost, "tcp: is reset", "connect: fails: ConnectionRefused"),
                new(["n2: ip address delete 10.244.2.2/32 dev cni0"], UdpAnswered, "connect: opens") { AcceleratedAgain = true },
            ],
        },
        new("The agent is killed five times in a row")
        {
            Phases = [new(["a1: kill", "a1: start", "a1: kill", "a1: start", "a1: kill", "a1: start", "a1: kill", "a1: start", "a1: kill", "a1: start"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true }],
        },
        new("The pins are deleted under a running agent")
        {
            Phases = [new(["a1: unpin"], UdpAnswered, TcpGoesOn)],
        },
    ];

    public static Difference Named(string name) => All.Single(row => row.Name == name);
}
