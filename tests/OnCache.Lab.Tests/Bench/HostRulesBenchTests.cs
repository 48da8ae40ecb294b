using System.Text.RegularExpressions;
using OnCache.Lab.Bench.HostRules;
using OnCache.Lab.Demo;
using OnCache.Lab.Rules;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Tests.Bench;

public sealed class HostRulesBenchTests
{
    private static readonly HostRulesOptions Good = new() { Agent = Environment.ProcessPath! };
    private static readonly ReplayOutcome Calm = new("ipvs", 1.9, 20, new Dictionary<string, long> { ["AgentStart"] = 0 }, null, new FastPathUse(990, 10));
    private static readonly IReadOnlyList<LabService> Services = LabService.Deal([AddressPlan.Pod(1, 1), AddressPlan.Pod(2, 1)], 50);

    public static TheoryData<string, HostRulesOptions> Wrong => new()
    {
        { "only", Good with { Only = ["idle", "ebtables"] } },
        { "seconds", Good with { Seconds = 1 } },
        { "agent", Good with { Agent = "/nowhere" } },
    };

    [Fact]
    public void The_usual_ones_are_valid() => Good.Validate();

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_is_wrong_is_named(string field, HostRulesOptions options) =>
        Should.Throw<LabOptionException>(options.Validate).Message.ShouldContain(field);

    [Fact]
    public void A_flush_two_percent_of_a_core_and_flows_off_the_fast_path_are_objected_to()
    {
        Calm.Objections.ShouldBeEmpty();

        (Calm with { Flushes = new Dictionary<string, long> { ["HostRulesChanged"] = 2 }, LastFlush = "a rule" }).Objections
            .ShouldBe(["ipvs: 2 flushes by HostRulesChanged; the last of all: a rule"]);
        (Calm with { Cpu = 2.5 }).Objections.ShouldBe(["ipvs: the agent took 2.50 % of a core, above 2 %"]);
        (Calm with { Cpu = 2.5, Replay = Replay.Idle }).Objections.ShouldBeEmpty("what it costs by itself, other benchmarks judge");
        (Calm with { Use = new FastPathUse(1, 1) }).Objections.Single().ShouldStartWith("ipvs: the fast path was taken too rarely");
    }

    [Fact]
    public void Two_elements_for_each_service_come_and_go_in_the_maps_of_the_nftables_layout()
    {
        foreach (var text in (string[])
            [NftablesProxyRules.RenderComing(Services), NftablesProxyRules.RenderGoing(Services), NftablesProxyRules.RenderDeserted(Services), NftablesProxyRules.RenderServed(Services)])
        {
            Regex.Count(text, "10[.]96[.]", RegexOptions.None, TimeSpan.FromSeconds(1)).ShouldBe(Services.Count * 2);
        }
    }

    [Fact]
    public void Hairpin_is_of_the_nodes_own_pods_by_an_entry_for_each_service()
    {
        var lines = IpvsProxyRules.RenderEntries("add", Services, AddressPlan.PodCidr(1)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        lines.ShouldBeUnique();
        lines.Count(line => line.StartsWith("add KUBE-LOOP-BACK 10.244.1.2,", StringComparison.Ordinal) && line.EndsWith(",10.244.1.2", StringComparison.Ordinal)).ShouldBe(Services.Count);
        lines.Length.ShouldBe(Services.Count * 4);
    }
}
