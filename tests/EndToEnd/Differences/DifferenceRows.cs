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
        new("A rule marks the flow's packets from before it begins")
        {
            Setup = ["n1: iptables -t mangle -A POSTROUTING -p udp --dport 7777 -j DSCP --set-dscp 46"],
            Shows = ["tos 184", UdpAnswered],
            Accelerated = false,
        },
        new("A rule marks the flow's packets from its midst on, and no longer")
        {
            Phases =
            [
                new(["n1: iptables -t mangle -A POSTROUTING -p udp --dport 7777 -j DSCP --set-dscp 46"], "tos 184", UdpAnswered) { Bound = Bounds.AtOnce },
                new(["n1: iptables -t mangle -D POSTROUTING -p udp --dport 7777 -j DSCP --set-dscp 46"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("nftables rewrites the TTL of what comes for the pod")
        {
            Phases =
            [
                new(["n2: nft add table ip t", "n2: nft add chain ip t f { type filter hook forward priority 0 ; }", "n2: nft add rule ip t f udp dport 7777 ip ttl set 33"], "ttl 33", UdpAnswered)
                {
                    Bound = Bounds.AtOnce,
                },
            ],
        },
        new("A rate limit is in force before the flow begins")
        {
            Setup = ["n1: iptables -I FORWARD -p udp --dport 7777 -m hashlimit --hashlimit-above 50/sec --hashlimit-name seven -j DROP"],
            Shows = ["udp: some answered"],
            Accelerated = false,
        },
        new("A rate limit comes in the midst of a flow")
        {
            Phases =
            [
                new(["n1: iptables -I FORWARD -p udp --dport 7777 -m hashlimit --hashlimit-above 50/sec --hashlimit-name seven -j DROP"], "udp: some answered", TcpGoesOn)
                {
                    Bound = Bounds.AtOnce,
                },
                new(["n1: iptables -D FORWARD -p udp --dport 7777 -m hashlimit --hashlimit-above 50/sec --hashlimit-name seven -j DROP"], UdpAnswered) { AcceleratedAgain = true },
            ],
        },
        new("nftables limits the rate of a flow in its midst")
        {
            Phases =
            [
                new(
                    ["n2: nft add table inet t", "n2: nft add chain inet t f { type filter hook prerouting priority 0 ; }", "n2: nft add rule inet t f udp dport 7777 limit rate over 50/second drop"],
                    "udp: some answered",
                    TcpGoesOn) { Bound = Bounds.AtOnce },
            ],
        },
        new("A legacy rule limits the rate of a flow in its midst")
        {
            Phases =
            [
                new(["n1: iptables-legacy -A FORWARD -p udp --dport 7777 -m hashlimit --hashlimit-above 50/sec --hashlimit-name l -j DROP"], "udp: some answered", TcpGoesOn)
                {
                    Bound = Bounds.LookedFor,
                },
            ],
        },
        new("A quota is used up")
        {
            Setup = ["n1: iptables -I FORWARD -p udp --dport 7777 -j DROP", "n1: iptables -I FORWARD -p udp --dport 7777 -m quota --quota 2000 -j ACCEPT"],
            Shows = [UdpLost],
            Accelerated = false,
        },
        new("The MSS of connections is clamped, short ones included")
        {
            Setup = ["n1: iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1200"],
            Shows = ["mss: 1188"],
            Observes = Observation.SegmentSize,
            Unrestricted = true,
            Accelerated = false,
        },
        new("The MSS of connections is clamped from now on, short ones included")
        {
            Observes = Observation.SegmentSize,
            Unrestricted = true,
            Phases =
            [
                new(["n1: iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1200"], "mss: 1188") { Bound = Bounds.AtOnce },
            ],
        },
        new("Routing tells packets of one flow apart by their type of service")
        {
            Setup = [.. s_secondWire, "n1: ip route add 10.244.2.0/24 via 192.168.78.2 dev eth1 table 77", "n1: ip rule add tos 0x10 lookup 77"],
            Shows = [UdpAnswered],
            Accelerated = false,
        },
        new("The bridge carries smaller packets than the tunnel")
        {
            Observes = Observation.PathMtu,
            Phases = [new(["n2: ip link set cni0 mtu 1300"], "path mtu: 1300") { Bound = Bounds.AtOnce }],
        },
        new("Connections are counted, short ones included")
        {
            Setup = ["n1: iptables -I FORWARD -p tcp --dport 7777 --syn -m connlimit --connlimit-above 10 -j REJECT"],
            Shows = ["connections: 9 at once"],
            Observes = Observation.Connections,
            Unrestricted = true,
            Accelerated = false,
        },
        new("A rule is added by hand that drops, by iptables")
        {
            Phases =
            [
                new(["n1: iptables -I FORWARD -p udp --dport 7777 -j DROP"], UdpLost, TcpGoesOn) { Bound = Bounds.AtOnce },
                new(["n1: iptables -D FORWARD -p udp --dport 7777 -j DROP"], UdpAnswered, TcpGoesOn) { Bound = Bounds.AtOnce, AcceleratedAgain = true },
            ],
        },
        new("A rule is added by hand that drops, by legacy iptables")
        {
            Phases =
            [
                new(["n1: iptables-legacy -I FORWARD -p udp --dport 7777 -j DROP"], UdpLost, TcpGoesOn) { Bound = Bounds.LookedFor },
                new(["n1: iptables-legacy -D FORWARD -p udp --dport 7777 -j DROP"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("A rule is added by hand that drops, by nftables")
        {
            Phases =
            [
                new(["n2: nft add table ip t", "n2: nft add chain ip t f { type filter hook forward priority 0 ; }", "n2: nft add rule ip t f udp dport 7777 drop"], UdpLost, TcpGoesOn)
                {
                    Bound = Bounds.AtOnce,
                },
                new(["n2: nft delete table ip t"], UdpAnswered, TcpGoesOn) { Bound = Bounds.AtOnce, AcceleratedAgain = true },
            ],
        },
        new("A table of the bridge drops")
        {
            Phases =
            [
                new(["n1: nft add table bridge t", "n1: nft add chain bridge t f { type filter hook prerouting priority 0 ; }", "n1: nft add rule bridge t f udp dport 7777 drop"], UdpLost, TcpGoesOn)
                {
                    Bound = Bounds.AtOnce,
                },
                new(["n1: nft delete table bridge t"], UdpAnswered) { AcceleratedAgain = true },
            ],
        },
        new("A table at a device's ingress drops")
        {
            Phases =
            [
                new(["n2: nft add table netdev t", "n2: nft add chain netdev t f { type filter hook ingress device flannel.1 priority 0 ; }", "n2: nft add rule netdev t f udp dport 7777 drop"], UdpLost, TcpGoesOn)
                {
                    Bound = Bounds.AtOnce,
                },
                new(["n2: nft delete table netdev t"], UdpAnswered) { AcceleratedAgain = true },
            ],
        },
        new("An address is added to a set that is dropped")
        {
            Setup =
            [
                "n1: nft add table ip t",
                "n1: nft add set ip t bad { type ipv4_addr ; }",
                "n1: nft add chain ip t f { type filter hook forward priority 0 ; }",
                "n1: nft add rule ip t f ip daddr @bad udp dport 7777 drop",
            ],
            Phases =
            [
                new(["n1: nft add element ip t bad { 10.244.2.2 }"], UdpLost, TcpGoesOn) { Bound = Bounds.AtOnce },
                new(["n1: nft delete element ip t bad { 10.244.2.2 }"], UdpAnswered, TcpGoesOn) { Bound = Bounds.AtOnce, AcceleratedAgain = true },
            ],
        },
        new("An address is added to an ipset that is dropped")
        {
            Setup = ["n1: ipset create bad hash:ip", "n1: iptables -I FORWARD -p udp -m set --match-set bad dst -j DROP"],
            Phases =
            [
                new(["n1: ipset add bad 10.244.2.2"], UdpLost, TcpGoesOn) { Bound = Bounds.LookedFor },
                new(["n1: ipset del bad 10.244.2.2"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("A chain's policy becomes to drop, by iptables")
        {
            // Without kube-proxy's rules, which accept before the policy is asked.
            Setup = ["n1: iptables -F FORWARD", "n1: iptables -P FORWARD ACCEPT"],
            Phases =
            [
                new(["n1: iptables -P FORWARD DROP"], UdpLost, "tcp: stalls", "connect: is not answered") { Bound = Bounds.AtOnce },
                new(["n1: iptables -P FORWARD ACCEPT"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("A chain's policy becomes to drop, by nftables")
        {
            Setup = ["n2: nft add table ip x", "n2: nft add chain ip x forward { type filter hook forward priority 0 ; }"],
            Phases =
            [
                new(["n2: nft chain ip x forward { policy drop ; }"], UdpLost, "tcp: stalls", "connect: is not answered") { Bound = Bounds.AtOnce },
                new(["n2: nft chain ip x forward { policy accept ; }"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("A verdict map drops by what differs from packet to packet")
        {
            Setup = ["n2: nft add table ip x", "n2: nft add chain ip x forward { type filter hook forward priority 0 ; }"],
            Observes = Observation.Marked,
            Phases =
            [
                new(["n2: nft add rule ip x forward ip dscp vmap { cs1 : drop }"], UdpAnswered, TcpGoesOn, "cs1: none answered") { Bound = Bounds.AtOnce },
                new(["n2: nft flush chain ip x forward"], UdpAnswered, "cs1: all answered") { Bound = Bounds.AtOnce, AcceleratedAgain = true },
            ],
        },
        new("A chain that packets go to without return drops, by iptables")
        {
            Setup = ["n1: iptables -N seven", "n1: iptables -A seven -p udp --dport 7777 -j DROP", "n1: iptables -A seven -j ACCEPT"],
            Phases =
            [
                new(["n1: iptables -I FORWARD -g seven"], UdpLost, TcpGoesOn) { Bound = Bounds.AtOnce },
                new(["n1: iptables -D FORWARD -g seven"], UdpAnswered) { Bound = Bounds.AtOnce, AcceleratedAgain = true },
            ],
        },
        ComeOut("iptables", Bounds.AtOnce),
        ComeOut("iptables-legacy", Bounds.LookedFor),
        TakenIn("n1", "{veth}"),
        TakenIn("n2", "flannel.1"),
        new("A chain at a device's ingress takes in another device, and then drops")
        {
            Setup = ["n2: nft add table netdev t", "n2: nft add chain netdev t f { type filter hook ingress device flannel.1 priority 0 ; }"],
            Phases =
            [
                new(["n2: nft add chain netdev t f { type filter hook ingress devices = { lo } priority 0 ; }"], UdpAnswered, TcpGoesOn) { Bound = Bounds.AtOnce, AcceleratedAgain = true },
                new(["n2: nft add rule netdev t f udp dport 7777 drop"], UdpLost, TcpGoesOn) { Bound = Bounds.AtOnce },
            ],
        },
        new("A rule is added that asks for a set, and its element right after")
        {
            Setup = ["n1: nft add table ip t", "n1: nft add set ip t bad { type ipv4_addr ; }", "n1: nft add chain ip t f { type filter hook forward priority 0 ; }"],
            // Whether the element comes before the rule is known is chance.
            Phases =
            [
                .. Enumerable.Repeat<Phase[]>(
                    [
                        new(["n1: nft add rule ip t f ip daddr @bad udp dport 7777 drop", "n1: nft add element ip t bad { 10.244.2.2 }"], UdpLost, TcpGoesOn) { Bound = Bounds.AtOnce },
                        new(["n1: nft flush chain ip t f", "n1: nft flush set ip t bad"], UdpAnswered) { Bound = Bounds.AtOnce, AcceleratedAgain = true },
                    ],
                    4).SelectMany(static both => both),
            ],
        },
        new("The tunnel's packets are dropped on their way in")
        {
            Phases =
            [
                new(["n2: iptables -I INPUT -p udp --dport 8472 -j DROP"], UdpLost) { Bound = Bounds.AtOnce },
                new(["n2: iptables -D INPUT -p udp --dport 8472 -j DROP"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("The tunnel device is shaped")
        {
            Setup = ["n1: tc qdisc add dev flannel.1 root tbf rate 8mbit burst 65536 latency 25ms"],
            Shows = ["1 MB/s"],
            Observes = Observation.Rate,
            Accelerated = false,
        },
        new("The bridge is shaped")
        {
            Setup = ["n2: tc qdisc add dev cni0 root tbf rate 8mbit burst 65536 latency 25ms"],
            Shows = ["1 MB/s"],
            Observes = Observation.Rate,
            Accelerated = false,
        },
        new("The pod's veth is taken out of its bridge and put back")
        {
            Phases =
            [
                new(["n1: ip link set {veth} nomaster"], UdpLost) { Bound = Bounds.AtOnce },
                new(["n1: ip link set {veth} master cni0"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("The pod's port of the bridge is disabled")
        {
            Phases =
            [
                new(["n2: bridge link set dev {veth} state 0"], UdpLost) { Bound = Bounds.AtOnce },
                new(["n2: bridge link set dev {veth} state 3"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("The bridge is not forwarded from any more")
        {
            Phases =
            [
                new(["n1: sysctl -qw net.ipv4.conf.cni0.forwarding=0"], UdpLost) { Bound = Bounds.AtOnce },
                new(["n1: sysctl -qw net.ipv4.conf.cni0.forwarding=1"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("An IPsec policy blocks packets between the pods")
        {
            Phases =
            [
                new(["n1: ip xfrm policy add src 10.244.1.0/24 dst 10.244.2.0/24 dir fwd action block", "n1: ip xfrm policy add src 10.244.1.0/24 dst 10.244.2.0/24 dir out action block"], UdpLost)
                {
                    Bound = Bounds.AtOnce,
                },
            ],
        },
        new("A table that is asked before the main one gets a route to the pods")
        {
            Setup = [.. s_secondWire, "n1: ip rule add priority 99 lookup 78"],
            Phases = [new(["n1: ip route add 10.244.0.0/16 via 192.168.78.2 dev eth1 table 78"], "n2 eth1:") { Bound = Bounds.AtOnce }],
        },
        new("The qdiscs that hold our filters are removed")
        {
            Options = ["--attach", "clsact"],
            Setup = ["n1: tc qdisc add dev eth0 clsact", "n1: tc qdisc add dev {veth} clsact"],
            // While the agent puts them back, as while anybody adds one, the kernel drops some packets.
            Phases = [new(["n1: tc qdisc del dev eth0 clsact", "n1: tc qdisc del dev {veth} clsact"], UdpAnswered, TcpGoesOn)],
        },
        new("A qdisc of somebody else has the place of the one for our filters")
        {
            Options = ["--attach", "clsact"],
            Setup = ["n1: tc qdisc add dev {veth} ingress"],
            Shows = [UdpAnswered],
            Accelerated = false,
        },
        new("The runtime directory is cleared under a running agent, and another one is started")
        {
            Phases = [new(["a1: unlist", "a1: twin"], UdpAnswered, TcpGoesOn)],
        },
        new("The file system of the pins is unmounted under running agents")
        {
            Phases =
            [
                new(["a1: unmount"], UdpAnswered, TcpGoesOn),
                new(["n1: iptables -I FORWARD -p udp --dport 7777 -j DROP"], UdpLost, TcpGoesOn) { Bound = Bounds.AtOnce },
            ],
        },
        new("The agents may not have any more memory")
        {
            // Whether the kernel ends them at once, or when there is something to do.
            Phases =
            [
                new(["a1: squeeze", "a2: squeeze"], UdpAnswered, TcpGoesOn),
                new(["n1: iptables -I FORWARD -p udp --dport 7777 -j DROP"], UdpLost, TcpGoesOn),
            ],
        },
        new("Conntrack takes no more connections")
        {
            Phases = [new(["n1: fill"], UdpAnswered, TcpGoesOn, "connect: is not answered")],
        },
        new("A pod is created again under its name and address within a second")
        {
            Phases = [new(["n2p1: recreate"], UdpLost, "tcp: is reset", "connect: fails: ConnectionRefused")],
        },
        new("A pod's address comes up on another node, and goes again")
        {
            // What the node could advise the pod to do lasts longer than what it is advised for, and may come or not.
            Setup = ["n1: sysctl -qw net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.cni0.send_redirects=0"],
            Phases =
            [
                new(["n1p2: ip address add 10.244.2.2/32 dev eth0", "n1: ip route add 10.244.2.2/32 dev cni0"], UdpLost, "tcp: is reset", "connect: fails: ConnectionRefused")
                {
                    Bound = Bounds.AtOnce,
                },
                new(["n1: ip route delete 10.244.2.2/32 dev cni0", "n1p2: ip address delete 10.244.2.2/32 dev eth0"], UdpAnswered, "connect: opens"),
            ],
        },
        new("A node comes back under its name with another address")
        {
            Phases =
            [
                new(["n2: ip link delete flannel.1", "n2: ip address delete 192.168.77.2/24 dev eth0", "n2: ip address add 192.168.77.22/24 dev eth0"], UdpLost),
                new(
                    [
                        "n2: ip link add flannel.1 mtu 1450 address 02:00:5e:00:00:22 type vxlan id 1 local 192.168.77.22 dev eth0 dstport 8472 nolearning",
                        "n2: ip address add 10.244.2.0/32 dev flannel.1",
                        "n2: ip link set flannel.1 up",
                        "n2: ip route add 10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink",
                        "n2: ip neighbour add 10.244.1.0 lladdr {n1.mac} dev flannel.1 nud permanent",
                        "n2: bridge fdb append {n1.mac} dev flannel.1 dst 192.168.77.1 self permanent",
                        "n1: bridge fdb delete {n2.mac} dev flannel.1 dst 192.168.77.2 self",
                        "n1: ip neighbour replace 10.244.2.0 lladdr 02:00:5e:00:00:22 dev flannel.1 nud permanent",
                        "n1: bridge fdb append 02:00:5e:00:00:22 dev flannel.1 dst 192.168.77.22 self permanent",
                    ],
                    UdpAnswered,
                    TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("Forwarding is switched off on the node")
        {
            Phases =
            [
                new(["n1: sysctl -qw net.ipv4.ip_forward=0"], UdpLost) { Bound = Bounds.AtOnce },
                new(["n1: sysctl -qw net.ipv4.ip_forward=1"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("The route to the pods becomes a blackhole")
        {
            Phases =
            [
                new(["n1: ip route replace blackhole 10.244.2.0/24"], UdpLost) { Bound = Bounds.AtOnce },
                new(["n1: ip route replace 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("The tunnel's entry for the peer is deleted and comes back")
        {
            Phases =
            [
                new(["n1: bridge fdb delete {n2.mac} dev flannel.1 dst 192.168.77.2 self"], UdpLost) { Bound = Bounds.AtOnce },
                new(["n1: bridge fdb append {n2.mac} dev flannel.1 dst 192.168.77.2 self permanent"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("The peer in the tunnel gets a wrong MAC address")
        {
            Phases =
            [
                new(["n1: ip neighbour replace 10.244.2.0 lladdr 02:00:5e:00:00:0a dev flannel.1 nud permanent"], UdpLost) { Bound = Bounds.AtOnce },
                new(["n1: ip neighbour replace 10.244.2.0 lladdr {n2.mac} dev flannel.1 nud permanent"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("The pod gets a wrong MAC address on its node")
        {
            Phases =
            [
                new(["n2: ip neighbour replace 10.244.2.2 lladdr 02:00:5e:00:00:0a dev cni0 nud permanent"], UdpLost) { Bound = Bounds.AtOnce },
                new(["n2: ip neighbour delete 10.244.2.2 dev cni0"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("The NIC goes down and up")
        {
            Phases =
            [
                new(["n1: ip link set eth0 down"], UdpLost) { Bound = Bounds.AtOnce },
                new(["n1: ip link set eth0 up"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("The bridge goes down and up")
        {
            Phases =
            [
                new(["n2: ip link set cni0 down"], UdpLost) { Bound = Bounds.AtOnce },
                new(["n2: ip link set cni0 up"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("The pod's own interface goes down and up")
        {
            Phases =
            [
                new(["n1p1: ip link set eth0 down"], "udp:") { Bound = Bounds.AtOnce },
                new(["n1p1: ip link set eth0 up", "n1p1: ip route add default via 10.244.1.1"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true },
            ],
        },
        new("The NIC gets a second address")
        {
            Phases = [new(["n1: ip address add 192.168.79.1/24 dev eth0"], UdpAnswered, TcpGoesOn) { AcceleratedAgain = true }],
        },
        new("The kernel's TTL for what the node itself sends changes")
        {
            Phases = [new(["n1: sysctl -qw net.ipv4.ip_default_ttl=50"], "ttl 50", UdpAnswered) { Bound = Bounds.LookedFor, AcceleratedAgain = true }],
        },
    ];

    /// <summary>A chain of the family netdev that has one device gets another.</summary>
    private static Difference TakenIn(string node, string device) => new($"A chain at the ingress of another device takes in {device} and drops")
    {
        Setup =
        [
            $"{node}: nft add table netdev t",
            $"{node}: nft add chain netdev t f {{ type filter hook ingress device lo priority 0 ; }}",
            $"{node}: nft add rule netdev t f udp dport 7777 drop",
        ],
        Phases =
        [
            new([$"{node}: nft add chain netdev t f {{ type filter hook ingress devices = {{ {device} }} priority 0 ; }}"], UdpLost, TcpGoesOn) { Bound = Bounds.AtOnce },
            new([$"{node}: nft delete table netdev t"], UdpAnswered) { AcceleratedAgain = true },
        ],
    };

    /// <summary>Packets leave the chain that they went to without return: to the caller's caller, past what accepts them in the caller.</summary>
    private static Difference ComeOut(string iptables, TimeSpan bound) => new($"What comes out of a chain that it went to without return is dropped, by {iptables}")
    {
        Setup =
        [
            $"n1: {iptables} -N six",
            $"n1: {iptables} -N seven",
            $"n1: {iptables} -A six -g seven",
            $"n1: {iptables} -A six -j ACCEPT",
            $"n1: {iptables} -I FORWARD -j six",
        ],
        Phases =
        [
            new([$"n1: {iptables} -I FORWARD 2 -p udp --dport 7777 -j DROP"], UdpLost, TcpGoesOn) { Bound = bound },
            new([$"n1: {iptables} -D FORWARD 2"], UdpAnswered, TcpGoesOn) { Bound = bound, AcceleratedAgain = true },
        ],
    };

    public static Difference Named(string name) => All.Single(row => row.Name == name);
}
