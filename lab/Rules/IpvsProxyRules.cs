using System.Net;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Rules;

/// <summary>What kube-proxy keeps in its IPVS mode beside IPVS itself: ipsets, and the iptables rules that look into them.</summary>
internal static class IpvsProxyRules
{
    private const string Masquerade = "0x00004000";
    private const int NodePorts = 30_000;
    private static readonly string[] s_ofPortals =
        ["KUBE-CLUSTER-IP", "KUBE-EXTERNAL-IP", "KUBE-EXTERNAL-IP-LOCAL", "KUBE-LOAD-BALANCER", "KUBE-LOAD-BALANCER-LOCAL", "KUBE-LOAD-BALANCER-FW"];

    private static readonly string[] s_ofPorts = ["KUBE-NODE-PORT-TCP", "KUBE-NODE-PORT-LOCAL-TCP", "KUBE-NODE-PORT-UDP", "KUBE-NODE-PORT-LOCAL-UDP", "KUBE-HEALTH-CHECK-NODE-PORT"];

    /// <summary>For <c>ipset restore</c>: the sets with these Services in them, over TCP alone.</summary>
    /// <param name="local">The node's pods: hairpin concerns those alone.</param>
    public static string RenderSets(IEnumerable<LabService> services, IPNetwork local) =>
        string.Concat(s_ofPortals.Select(static set => $"create {set} hash:ip,port\n"))
        + string.Concat(s_ofPorts.Select(static set => $"create {set} bitmap:port range 0-65535\n"))
        + "create KUBE-LOOP-BACK hash:ip,port,ip\ncreate KUBE-LOAD-BALANCER-SOURCE-IP hash:ip,port,ip\ncreate KUBE-LOAD-BALANCER-SOURCE-CIDR hash:ip,port,net\ncreate KUBE-IPVS-IPS hash:ip\n"
        + "add KUBE-HEALTH-CHECK-NODE-PORT 32122\n"
        + RenderEntries("add", services, local);

    /// <summary>For <c>ipset restore</c>: entries of Services come (<c>add</c>) or go (<c>del</c>).</summary>
    public static string RenderEntries(string verb, IEnumerable<LabService> services, IPNetwork local) => string.Concat(services.Select(service =>
        $"{verb} KUBE-CLUSTER-IP {service.ClusterAddress},tcp:{LabService.Port}\n{verb} KUBE-IPVS-IPS {service.ClusterAddress}\n"
        + $"{verb} KUBE-NODE-PORT-TCP {NodePorts + HostPart(service)}\n"
        + string.Concat(service.Endpoints.Where(local.Contains).Select(endpoint => $"{verb} KUBE-LOOP-BACK {endpoint},tcp:{LabService.TargetPort + HostPart(service)},{endpoint}\n"))));

    // Pods are few: with one port for all Services, they would share their entries.
    private static int HostPart(LabService service) => service.ClusterAddress.GetAddressBytes() is [_, _, var high, var low] ? (high << 8) | low : 0;

    /// <summary>The chains, in place of those of the mode iptables, for <c>iptables-restore --noflush</c>.</summary>
    public static string RenderRules() => new RuleTable("filter")
        .Chain("KUBE-FORWARD", "KUBE-IPVS-FILTER", "KUBE-NODE-PORT", "KUBE-PROXY-FIREWALL", "KUBE-SOURCE-RANGES-FIREWALL", "KUBE-SERVICES")
        .Append("INPUT", "-j KUBE-IPVS-FILTER")
        .Append("INPUT", "-j KUBE-PROXY-FIREWALL")
        .Append("INPUT", "-j KUBE-NODE-PORT")
        .Line("-I FORWARD -j KUBE-PROXY-FIREWALL")
        .Append("KUBE-PROXY-FIREWALL", "-m set --match-set KUBE-LOAD-BALANCER-FW dst,dst -j KUBE-SOURCE-RANGES-FIREWALL")
        .Append("KUBE-SOURCE-RANGES-FIREWALL", "-m set --match-set KUBE-LOAD-BALANCER-SOURCE-CIDR dst,dst,src -j RETURN")
        .Append("KUBE-SOURCE-RANGES-FIREWALL", "-j DROP")
        .Append("KUBE-FORWARD", $"-m mark --mark {Masquerade}/{Masquerade} -j ACCEPT")
        .Append("KUBE-FORWARD", "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
        .Append("KUBE-NODE-PORT", "-m set --match-set KUBE-HEALTH-CHECK-NODE-PORT dst -j ACCEPT")
        .Append("KUBE-IPVS-FILTER", "-m set --match-set KUBE-LOAD-BALANCER dst,dst -j RETURN")
        .Append("KUBE-IPVS-FILTER", "-m set --match-set KUBE-CLUSTER-IP dst,dst -j RETURN")
        .Append("KUBE-IPVS-FILTER", "-m set --match-set KUBE-EXTERNAL-IP dst,dst -j RETURN")
        .Append("KUBE-IPVS-FILTER", "-m set --match-set KUBE-EXTERNAL-IP-LOCAL dst,dst -j RETURN")
        .Append("KUBE-IPVS-FILTER", "-m set --match-set KUBE-HEALTH-CHECK-NODE-PORT dst -j RETURN")
        .Append("KUBE-IPVS-FILTER", "-m conntrack --ctstate NEW -m set --match-set KUBE-IPVS-IPS dst -j REJECT")
        .ToString()
        + new RuleTable("nat")
        .Chain("KUBE-LOAD-BALANCER", "KUBE-MARK-MASQ", "KUBE-NODE-PORT", "KUBE-POSTROUTING", "KUBE-SERVICES")
        .Append("KUBE-SERVICES", "-s 127.0.0.0/8 -j RETURN")
        .Append("KUBE-POSTROUTING", "-m set --match-set KUBE-LOOP-BACK dst,dst,src -j MASQUERADE")
        .Append("KUBE-SERVICES", "-m set --match-set KUBE-LOAD-BALANCER dst,dst -j KUBE-LOAD-BALANCER")
        .Append("KUBE-LOAD-BALANCER", "-m set --match-set KUBE-LOAD-BALANCER-LOCAL dst,dst -j RETURN")
        .Append("KUBE-NODE-PORT", "-p tcp -m set --match-set KUBE-NODE-PORT-LOCAL-TCP dst -j RETURN")
        .Append("KUBE-NODE-PORT", "-p tcp -m set --match-set KUBE-NODE-PORT-TCP dst -j KUBE-MARK-MASQ")
        .Append("KUBE-SERVICES", $"-m set --match-set KUBE-CLUSTER-IP dst,dst ! -s {AddressPlan.ClusterCidr} -j KUBE-MARK-MASQ")
        .Append("KUBE-SERVICES", "-m set --match-set KUBE-EXTERNAL-IP dst,dst -j KUBE-MARK-MASQ")
        .Append("KUBE-SERVICES", "-m set --match-set KUBE-EXTERNAL-IP dst,dst -m addrtype --dst-type LOCAL -j ACCEPT")
        .Append("KUBE-SERVICES", "-m addrtype --dst-type LOCAL -j KUBE-NODE-PORT")
        .Append("KUBE-LOAD-BALANCER", "-j KUBE-MARK-MASQ")
        .Append("KUBE-SERVICES", "-m set --match-set KUBE-CLUSTER-IP dst,dst -j ACCEPT")
        .Append("KUBE-SERVICES", "-m set --match-set KUBE-LOAD-BALANCER dst,dst -j ACCEPT")
        .Append("KUBE-POSTROUTING", $"-m mark ! --mark {Masquerade}/{Masquerade} -j RETURN")
        .Append("KUBE-POSTROUTING", $"-j MARK --xor-mark {Masquerade}")
        .Append("KUBE-POSTROUTING", "-j MASQUERADE --random-fully")
        .Append("KUBE-MARK-MASQ", $"-j MARK --or-mark {Masquerade}");
}
