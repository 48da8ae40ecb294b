using System.Text;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Rules;

/// <summary>The table that kube-proxy keeps in its nftables mode, for <c>nft -f -</c>.</summary>
internal static class NftablesProxyRules
{
    private const string Table = "ip kube-proxy";

    private const string Layout = $$"""
        add table {{Table}}
        add chain {{Table}} filter-prerouting-pre-dnat { type filter hook prerouting priority -110 ; }
        add chain {{Table}} filter-output-pre-dnat { type filter hook output priority -110 ; }
        add chain {{Table}} filter-input { type filter hook input priority 0 ; }
        add chain {{Table}} filter-forward { type filter hook forward priority 0 ; }
        add chain {{Table}} filter-output { type filter hook output priority 0 ; }
        add chain {{Table}} nat-prerouting { type nat hook prerouting priority -100 ; }
        add chain {{Table}} nat-output { type nat hook output priority -100 ; }
        add chain {{Table}} nat-postrouting { type nat hook postrouting priority 100 ; }
        add chain {{Table}} cluster-ips-check
        add chain {{Table}} firewall-check
        add chain {{Table}} mark-for-masquerade
        add chain {{Table}} masquerading
        add chain {{Table}} nodeport-endpoints-check
        add chain {{Table}} service-endpoints-check
        add chain {{Table}} services
        add chain {{Table}} reject-chain
        add set {{Table}} cluster-ips { type ipv4_addr ; }
        add set {{Table}} nodeport-ips { type ipv4_addr ; }
        add map {{Table}} firewall-ips { type ipv4_addr . inet_proto . inet_service : verdict ; }
        add map {{Table}} no-endpoint-nodeports { type inet_proto . inet_service : verdict ; }
        add map {{Table}} no-endpoint-services { type ipv4_addr . inet_proto . inet_service : verdict ; }
        add map {{Table}} service-ips { type ipv4_addr . inet_proto . inet_service : verdict ; }
        add map {{Table}} service-nodeports { type inet_proto . inet_service : verdict ; }
        add rule {{Table}} filter-prerouting-pre-dnat ct state new jump firewall-check
        add rule {{Table}} filter-output-pre-dnat ct state new jump firewall-check
        add rule {{Table}} filter-input ct state new jump nodeport-endpoints-check
        add rule {{Table}} filter-input ct state new jump service-endpoints-check
        add rule {{Table}} filter-forward ct state new jump service-endpoints-check
        add rule {{Table}} filter-forward ct state new jump cluster-ips-check
        add rule {{Table}} filter-output ct state new jump service-endpoints-check
        add rule {{Table}} filter-output ct state new jump cluster-ips-check
        add rule {{Table}} nat-prerouting jump services
        add rule {{Table}} nat-output jump services
        add rule {{Table}} nat-postrouting jump masquerading
        add rule {{Table}} cluster-ips-check ip daddr @cluster-ips reject
        add rule {{Table}} cluster-ips-check ip daddr { {{AddressPlan.ServiceCidr}} } drop
        add rule {{Table}} firewall-check ip daddr . meta l4proto . th dport vmap @firewall-ips
        add rule {{Table}} mark-for-masquerade mark set mark or 0x4000
        add rule {{Table}} masquerading mark and 0x4000 == 0 return
        add rule {{Table}} masquerading mark set mark xor 0x4000
        add rule {{Table}} masquerading masquerade fully-random
        add rule {{Table}} nodeport-endpoints-check ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports
        add rule {{Table}} reject-chain reject
        add rule {{Table}} service-endpoints-check ip daddr . meta l4proto . th dport vmap @no-endpoint-services
        add rule {{Table}} services ip daddr . meta l4proto . th dport vmap @service-ips
        add rule {{Table}} services ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports

        """;

    /// <summary>The table with these Services in it, over TCP alone.</summary>
    public static string Render(IEnumerable<LabService> services)
    {
        var text = new StringBuilder(Layout);
        foreach (var service in services)
        {
            var chain = ChainOf(service);
            var endpoints = service.Endpoints.Select((endpoint, index) =>
                $"endpoint-{LabService.ChainHash($"{service.Name}/{index}")[..8]}-default/{service.Name}/tcp/http__{endpoint}/{LabService.TargetPort}").ToArray();
            foreach (var (name, endpoint) in endpoints.Zip(service.Endpoints))
            {
                text.Append($"add chain {Table} {name}\n")
                    .Append($"add rule {Table} {name} ip saddr {endpoint} jump mark-for-masquerade\n")
                    .Append($"add rule {Table} {name} meta l4proto tcp dnat to {endpoint}:{LabService.TargetPort}\n");
            }

            text.Append($"add chain {Table} {chain}\n")
                .Append($"add rule {Table} {chain} ip daddr {service.ClusterAddress} ip saddr != {AddressPlan.ClusterCidr} jump mark-for-masquerade\n")
                .Append($"add rule {Table} {chain} numgen random mod {endpoints.Length} vmap {{ {string.Join(", ", endpoints.Select((name, index) => $"{index} : goto {name}"))} }}\n");
        }

        return text.Append(RenderComing(services)).ToString();
    }

    /// <summary>Two elements for each: their addresses and ports lead to their chains.</summary>
    public static string RenderComing(IEnumerable<LabService> services) => Elements("add", "cluster-ips", services, Address) + Elements("add", "service-ips", services, Portal);

    /// <summary>Two elements for each: they are gone. Their chains stay for a while, as kube-proxy has it.</summary>
    public static string RenderGoing(IEnumerable<LabService> services) => Elements("delete", "service-ips", services, Portal) + Elements("delete", "cluster-ips", services, Address);

    /// <summary>Two elements for each: their last endpoint has gone.</summary>
    public static string RenderDeserted(IEnumerable<LabService> services) => Elements("delete", "service-ips", services, Portal) + Elements("add", "no-endpoint-services", services, Rejection);

    /// <summary>Two elements for each: they have endpoints again.</summary>
    public static string RenderServed(IEnumerable<LabService> services) => Elements("delete", "no-endpoint-services", services, Rejection) + Elements("add", "service-ips", services, Portal);

    private static string ChainOf(LabService service) => $"service-{LabService.ChainHash(service.Name)[..8]}-default/{service.Name}/tcp/http";

    private static string Address(LabService service) => $"{service.ClusterAddress}";

    private static string Portal(LabService service) => $"{service.ClusterAddress} . tcp . {LabService.Port} : goto {ChainOf(service)}";

    private static string Rejection(LabService service) => $"{service.ClusterAddress} . tcp . {LabService.Port} : goto reject-chain";

    private static string Elements(string verb, string set, IEnumerable<LabService> services, Func<LabService, string> element) =>
        $"{verb} element {Table} {set} {{ {string.Join(", ", services.Select(element))} }}\n";
}
