using System.Net;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Rules;

/// <summary>The rules flannel keeps on a node: pods are masqueraded towards the outside only, and their traffic may be forwarded.</summary>
internal static class FlannelRules
{
    private const string Postrouting = "FLANNEL-POSTRTG";
    private const string Forward = "FLANNEL-FWD";

    /// <summary>The two tables for <c>iptables-restore --noflush</c> on a node where kube-proxy keeps its own rules. FORWARD drops by default.</summary>
    public static string Render(IPNetwork podCidr)
    {
        var nat = new RuleTable("nat").Chain(Postrouting);
        AddMasquerade(nat, podCidr);
        var filter = new RuleTable("filter").BuiltIn("FORWARD", "DROP").Chain(Forward);
        AddForward(filter);
        return nat.ToString() + filter;
    }

    public static RuleTable AddMasquerade(RuleTable nat, IPNetwork podCidr) => nat
        .Append("POSTROUTING", $"""-m comment --comment "flannel masquerade" -j {Postrouting}""")
        .Append(Postrouting, "-m mark --mark 0x4000/0x4000 -j RETURN")
        .Append(Postrouting, $"-s {podCidr} -d {AddressPlan.ClusterCidr} -j RETURN")
        .Append(Postrouting, $"-s {AddressPlan.ClusterCidr} -d {podCidr} -j RETURN")
        .Append(Postrouting, $"! -s {AddressPlan.ClusterCidr} -d {podCidr} -j RETURN")
        .Append(Postrouting, $"-s {AddressPlan.ClusterCidr} ! -d 224.0.0.0/4 -j MASQUERADE --random-fully")
        .Append(Postrouting, $"! -s {AddressPlan.ClusterCidr} -d {AddressPlan.ClusterCidr} -j MASQUERADE --random-fully");

    public static RuleTable AddForward(RuleTable filter) => filter
        .Append("FORWARD", $"""-m comment --comment "flannel forward" -j {Forward}""")
        .Append(Forward, $"-s {AddressPlan.ClusterCidr} -j ACCEPT")
        .Append(Forward, $"-d {AddressPlan.ClusterCidr} -j ACCEPT");
}
