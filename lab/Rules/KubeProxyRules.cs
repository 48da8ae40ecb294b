using OnCache.Lab.Topology;

namespace OnCache.Lab.Rules;

/// <summary>The rules that kube-proxy (iptables mode) and flannel keep on a node, in their chains and order.</summary>
/// <remarks>
/// Written so that every packet pays what it pays on a real node: connection tracking at each hook, NAT set up, host traffic through
/// INPUT and OUTPUT, pod traffic through FORWARD, which drops by default.
/// </remarks>
internal static class KubeProxyRules
{
    private const string Masquerade = "0x4000/0x4000";
    private const string Drop = "0x8000/0x8000";
    private const string NewOnly = "-m conntrack --ctstate NEW";

    /// <summary>The whole rule set of one node for <c>iptables-restore</c>.</summary>
    public static string Render(LabPlan plan, NodePlan node) =>
        Nat(plan, node).ToString() + Filter(plan, node);

    /// <summary>All that kube-proxy writes anew when a Service changes, over TCP alone, for <c>iptables-restore --noflush</c>.</summary>
    /// <param name="services">Those that are there.</param>
    /// <param name="gone">One that was there before; null for none.</param>
    public static string RenderServices(IEnumerable<LabService> services, LabService? gone)
    {
        var filter = new RuleTable("filter").Chain("KUBE-NODEPORTS", "KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD", "KUBE-PROXY-FIREWALL");
        var nat = new RuleTable("nat").Chain("KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ");
        AddForwarding(filter);
        AddMasquerading(nat);
        foreach (var service in services)
        {
            Service(nat, service, "tcp");
        }

        AddNodePorts(nat);
        if (gone is not null)
        {
            string[] chains = [ServiceChain(gone, "tcp"), .. gone.Endpoints.Select((_, index) => EndpointChain(gone, "tcp", index))];
            nat.Chain(chains);
            foreach (var chain in chains)
            {
                nat.Line($"-X {chain}");
            }
        }

        return filter.ToString() + nat;
    }

    /// <summary>For <c>iptables-restore --noflush</c>: the ways into the chains of <see cref="RenderServices"/>, where none are yet.</summary>
    public static string RenderJumps()
    {
        var filter = new RuleTable("filter").Chain("KUBE-FIREWALL");
        AddHostJumps(filter);
        AddForwardJumps(filter);
        return filter.ToString() + AddNatJumps(new RuleTable("nat"));
    }

    private static RuleTable Nat(LabPlan plan, NodePlan node)
    {
        var table = new RuleTable("nat")
            .BuiltIn("PREROUTING", "ACCEPT").BuiltIn("INPUT", "ACCEPT").BuiltIn("OUTPUT", "ACCEPT").BuiltIn("POSTROUTING", "ACCEPT")
            .Chain("KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ", "KUBE-MARK-DROP", "FLANNEL-POSTRTG");
        AddNatJumps(table).Append("KUBE-MARK-DROP", $"-j MARK --or-mark {Drop[..6]}");
        AddMasquerading(table);
        foreach (var service in LabService.Of(plan))
        {
            Service(table, service, "tcp");
            Service(table, service, "udp");
        }

        AddNodePorts(table);
        return FlannelRules.AddMasquerade(table, AddressPlan.PodCidr(node.Index));
    }

    private static RuleTable AddNatJumps(RuleTable nat) => nat
        .Append("PREROUTING", """-m comment --comment "service portals" -j KUBE-SERVICES""")
        .Append("OUTPUT", """-m comment --comment "service portals" -j KUBE-SERVICES""")
        .Append("POSTROUTING", """-m comment --comment "postrouting rules" -j KUBE-POSTROUTING""");

    private static void AddMasquerading(RuleTable nat) => nat
        .Append("KUBE-MARK-MASQ", $"-j MARK --or-mark {Masquerade[..6]}")
        .Append("KUBE-POSTROUTING", $"-m mark ! --mark {Masquerade} -j RETURN")
        .Append("KUBE-POSTROUTING", $"-j MARK --xor-mark {Masquerade[..6]}")
        .Append("KUBE-POSTROUTING", "-j MASQUERADE --random-fully");

    private static void AddNodePorts(RuleTable nat) => nat.Append("KUBE-SERVICES", "-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS");

    private static string ServiceChain(LabService service, string protocol) => $"KUBE-SVC-{LabService.ChainHash($"{service.Name}/{protocol}")}";

    private static string EndpointChain(LabService service, string protocol, int index) => $"KUBE-SEP-{LabService.ChainHash($"{service.Name}/{protocol}/{index}")}";

    private static void Service(RuleTable table, LabService service, string protocol)
    {
        var chain = ServiceChain(service, protocol);
        var portal = $"-d {service.ClusterAddress}/32 -p {protocol} -m {protocol} --dport {LabService.Port}";
        var comment = $"-m comment --comment default/{service.Name}:{protocol}";
        table.Chain(chain)
            .Append("KUBE-SERVICES", $"{portal} {comment} -j {chain}")
            .Append(chain, $"! -s {AddressPlan.ClusterCidr} {portal} {comment} -j KUBE-MARK-MASQ");
        for (var index = 0; index < service.Endpoints.Count; index++)
        {
            var endpoint = service.Endpoints[index];
            var left = service.Endpoints.Count - index;
            var share = left == 1 ? "" : $"-m statistic --mode random --probability {1.0 / left:F10} ";
            var separate = EndpointChain(service, protocol, index);
            table.Chain(separate)
                .Append(chain, $"{comment} {share}-j {separate}")
                .Append(separate, $"-s {endpoint}/32 {comment} -j KUBE-MARK-MASQ")
                .Append(separate, $"-p {protocol} -m {protocol} {comment} -j DNAT --to-destination {endpoint}:{LabService.TargetPort}");
        }
    }

    private static RuleTable Filter(LabPlan plan, NodePlan node)
    {
        var table = new RuleTable("filter")
            .BuiltIn("INPUT", "ACCEPT").BuiltIn("FORWARD", "DROP").BuiltIn("OUTPUT", "ACCEPT")
            .Chain("KUBE-PROXY-FIREWALL", "KUBE-NODEPORTS", "KUBE-EXTERNAL-SERVICES", "KUBE-SERVICES", "KUBE-FIREWALL", "KUBE-FORWARD")
            .Chain("FLANNEL-FWD");
        AddHostJumps(table);
        PodPolicyRules.AddTo(table, node);
        AddForwardJumps(table);
        AddForwarding(FlannelRules.AddForward(table));
        return table
            .Append("KUBE-FIREWALL", $"-m mark --mark {Drop} -j DROP")
            .Append("KUBE-FIREWALL", "! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP")
            .Append("KUBE-FIREWALL", "-m conntrack --ctstate INVALID -j DROP");
    }

    private static void AddHostJumps(RuleTable filter) => filter
        .Append("INPUT", $"{NewOnly} -j KUBE-PROXY-FIREWALL")
        .Append("INPUT", "-j KUBE-NODEPORTS")
        .Append("INPUT", $"{NewOnly} -j KUBE-EXTERNAL-SERVICES")
        .Append("INPUT", "-j KUBE-FIREWALL")
        .Append("OUTPUT", $"{NewOnly} -j KUBE-PROXY-FIREWALL")
        .Append("OUTPUT", $"{NewOnly} -j KUBE-SERVICES")
        .Append("OUTPUT", "-j KUBE-FIREWALL");

    private static void AddForwardJumps(RuleTable filter) => filter
        .Append("FORWARD", $"{NewOnly} -j KUBE-PROXY-FIREWALL")
        .Append("FORWARD", """-m comment --comment "forwarding rules" -j KUBE-FORWARD""")
        .Append("FORWARD", $"{NewOnly} -j KUBE-SERVICES")
        .Append("FORWARD", $"{NewOnly} -j KUBE-EXTERNAL-SERVICES");

    private static void AddForwarding(RuleTable filter) => filter
        .Append("KUBE-FORWARD", "-m conntrack --ctstate INVALID -j DROP")
        .Append("KUBE-FORWARD", $"-m mark --mark {Masquerade} -j ACCEPT")
        .Append("KUBE-FORWARD", "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT");
}
