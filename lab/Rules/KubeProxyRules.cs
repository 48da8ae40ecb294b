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

    private static RuleTable Nat(LabPlan plan, NodePlan node)
    {
        var table = new RuleTable("nat")
            .BuiltIn("PREROUTING", "ACCEPT").BuiltIn("INPUT", "ACCEPT").BuiltIn("OUTPUT", "ACCEPT").BuiltIn("POSTROUTING", "ACCEPT")
            .Chain("KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ", "KUBE-MARK-DROP", "FLANNEL-POSTRTG")
            .Append("PREROUTING", """-m comment --comment "service portals" -j KUBE-SERVICES""")
            .Append("OUTPUT", """-m comment --comment "service portals" -j KUBE-SERVICES""")
            .Append("POSTROUTING", """-m comment --comment "postrouting rules" -j KUBE-POSTROUTING""")
            .Append("KUBE-MARK-MASQ", $"-j MARK --or-mark {Masquerade[..6]}")
            .Append("KUBE-MARK-DROP", $"-j MARK --or-mark {Drop[..6]}")
            .Append("KUBE-POSTROUTING", $"-m mark ! --mark {Masquerade} -j RETURN")
            .Append("KUBE-POSTROUTING", $"-j MARK --xor-mark {Masquerade[..6]}")
            .Append("KUBE-POSTROUTING", "-j MASQUERADE --random-fully");
        foreach (var service in LabService.Of(plan))
        {
            Service(table, service, "tcp");
            Service(table, service, "udp");
        }

        table.Append("KUBE-SERVICES", "-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS");
        return FlannelRules.AddMasquerade(table, AddressPlan.PodCidr(node.Index));
    }

    private static void Service(RuleTable table, LabService service, string protocol)
    {
        var chain = $"KUBE-SVC-{LabService.ChainHash($"{service.Name}/{protocol}")}";
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
            var separate = $"KUBE-SEP-{LabService.ChainHash($"{service.Name}/{protocol}/{index}")}";
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
            .Chain("FLANNEL-FWD")
            .Append("INPUT", $"{NewOnly} -j KUBE-PROXY-FIREWALL")
            .Append("INPUT", "-j KUBE-NODEPORTS")
            .Append("INPUT", $"{NewOnly} -j KUBE-EXTERNAL-SERVICES")
            .Append("INPUT", "-j KUBE-FIREWALL")
            .Append("OUTPUT", $"{NewOnly} -j KUBE-PROXY-FIREWALL")
            .Append("OUTPUT", $"{NewOnly} -j KUBE-SERVICES")
            .Append("OUTPUT", "-j KUBE-FIREWALL");
        PodPolicyRules.AddTo(table, node);
        table
            .Append("FORWARD", $"{NewOnly} -j KUBE-PROXY-FIREWALL")
            .Append("FORWARD", """-m comment --comment "forwarding rules" -j KUBE-FORWARD""")
            .Append("FORWARD", $"{NewOnly} -j KUBE-SERVICES")
            .Append("FORWARD", $"{NewOnly} -j KUBE-EXTERNAL-SERVICES");
        return FlannelRules.AddForward(table)
            .Append("KUBE-FORWARD", "-m conntrack --ctstate INVALID -j DROP")
            .Append("KUBE-FORWARD", $"-m mark --mark {Masquerade} -j ACCEPT")
            .Append("KUBE-FORWARD", "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
            .Append("KUBE-FIREWALL", $"-m mark --mark {Drop} -j DROP")
            .Append("KUBE-FIREWALL", "! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP")
            .Append("KUBE-FIREWALL", "-m conntrack --ctstate INVALID -j DROP");
    }
}
