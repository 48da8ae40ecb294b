using System.Text.RegularExpressions;
using OnCache.Lab.Rules;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Tests.Rules;

public sealed class KubeProxyRulesTests
{
    private readonly LabPlan plan = LabPlan.Create(new LabOptions { Nodes = 2, Pods = 3 });

    [Fact]
    public void Every_jump_goes_to_a_chain_that_exists_and_names_fit()
    {
        string[] targets = ["ACCEPT", "DROP", "RETURN", "MARK", "MASQUERADE", "DNAT"];
        foreach (var table in KubeProxyRules.Render(plan, plan.Nodes[0]).Split("COMMIT\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var chains = Words(table, "(?<=^:)\\S+").ToArray();
            chains.ShouldBeUnique();
            chains.ShouldAllBe(chain => chain.Length <= 28);
            Words(table, "(?<= -j )\\S+").Except(targets).Except(chains).ShouldBeEmpty();
            Words(table, "(?<=^-A )\\S+").Except(chains).ShouldBeEmpty();
        }
    }

    [Fact]
    public void Forward_drops_by_default_and_drops_invalid_before_it_accepts_established()
    {
        var rules = KubeProxyRules.Render(plan, plan.Nodes[0]);

        rules.ShouldContain(":FORWARD DROP [0:0]");
        rules.IndexOf("-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP", StringComparison.Ordinal)
            .ShouldBeInRange(0, rules.IndexOf("-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", StringComparison.Ordinal));
    }

    [Fact]
    public void Cutting_denials_come_before_any_accept_and_the_others_after()
    {
        var rules = KubeProxyRules.Render(plan, plan.Nodes[0]).Split('\n').ToList();

        rules.IndexOf("-A LAB-POLICY -j LAB-CUT").ShouldBeLessThan(rules.FindIndex(rule => rule.StartsWith("-A LAB-POLICY -d", StringComparison.Ordinal)));
        rules.IndexOf("-A LAB-IN-n1p1 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT").ShouldBeLessThan(rules.IndexOf("-A LAB-IN-n1p1 -j LAB-DENY"));
        rules.ShouldNotContain(rule => rule.Contains("LAB-IN-n2", StringComparison.Ordinal));
    }

    [Fact]
    public void There_are_twenty_services_of_two_endpoints_over_tcp_and_udp()
    {
        var rules = KubeProxyRules.Render(plan, plan.Nodes[1]);

        rules.Split('\n').Count(rule => rule.Contains("-j DNAT", StringComparison.Ordinal)).ShouldBe(20 * 2 * 2);
        rules.ShouldContain("--to-destination 10.244.1.2:8080");
        rules.ShouldContain("--probability 0.5000000000");
    }

    [Fact]
    public void Services_point_at_the_pods_the_lab_started_with_whatever_became_of_them()
    {
        var without = plan with { Nodes = [plan.Nodes[0] with { Pods = [] }, plan.Nodes[1]] };

        LabService.Of(without).SelectMany(service => service.Endpoints).ShouldBe(LabService.Of(plan).SelectMany(service => service.Endpoints));
    }

    [Fact]
    public void What_is_written_anew_has_all_of_its_chains_and_takes_those_of_a_service_that_has_gone_away()
    {
        var services = LabService.Deal([AddressPlan.Pod(1, 1), AddressPlan.Pod(2, 1)], 300);

        var nat = KubeProxyRules.RenderServices(services.Skip(1), services[0]).Split("COMMIT\n")[1];

        var chains = Words(nat, "(?<=^:)\\S+").ToArray();
        chains.Length.ShouldBe(4 + (300 * 3));
        chains.ShouldBeUnique();
        var gone = Words(nat, "(?<=^-X )\\S+").ToArray();
        gone.Length.ShouldBe(3);
        Words(nat, "(?<=^-A )\\S+").Distinct().ShouldBe(chains.Except(gone).Except(["KUBE-NODEPORTS"]), ignoreOrder: true);
        nat.ShouldContain($"-d {services[299].ClusterAddress}/32 -p tcp");
        services.Select(service => service.ClusterAddress).ShouldBeUnique();
    }

    private static IEnumerable<string> Words(string text, string pattern) =>
        Regex.Matches(text, pattern, RegexOptions.Multiline, TimeSpan.FromSeconds(1)).Select(match => match.Value);
}
