using System.Runtime.InteropServices;
using OnCache.Agent.Bpf;
using OnCache.EndToEnd.Fixture;
using OnCache.Lab.Bench.Results;
using OnCache.Lab.Bench.Scale;
using OnCache.Lab.Bench.Suites;
using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd;

/// <summary>The benchmarks as a user runs them, once and briefly: that they measure, not what.</summary>
public sealed class BenchTests : IDisposable
{
    private const string OwnNamespace = "/proc/self/ns/net";
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "oncache-lab");
    private readonly string folder = Directory.CreateTempSubdirectory("oncache-bench-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_quick_suite_measures_every_workload_on_every_path_that_the_kernel_has()
    {
        LiveLab.Require();
        string[] arguments = ["bench", "run", "--suite", "quick", "--agent", LabAgent.Program, "--output", folder];
        _ = (await NetworkNamespace.RunCommandAsync(OwnNamespace, Program, arguments, cancellationToken: Cancellation)).EnsureSuccess();

        var result = BenchResult.Read(Path.Combine(folder, "latest.json"));
        var variants = Variant.All.Select(variant => variant.Name).Where(name => !result.Gaps.Any(gap => gap.StartsWith($"{name} at ", StringComparison.Ordinal))).ToArray();
        variants.Length.ShouldBeGreaterThanOrEqualTo(Variant.All.Count - 1, "only the flowtable may be missing from a kernel");
        foreach (var workload in Suite.Quick.Workloads.Where(workload => !result.Gaps.Any(gap => gap.StartsWith($"{workload.Id}: ", StringComparison.Ordinal))))
        {
            foreach (var variant in variants)
            {
                var figures = result.Measurements.Where(one => one.Workload == workload.Id && one.Variant == variant).ToDictionary(one => one.Figure);
                figures.ContainsKey(Figure.Cpu.Name).ShouldBeTrue($"{workload.Id} on {variant}: {string.Join("; ", result.Gaps)}");
                figures[Figure.Cpu.Name].Median.ShouldBeGreaterThan(0);
            }
        }

        HitRatio(result, "oncache").ShouldBeGreaterThan(0.9);
        HitRatio(result, "oncache-excluded").ShouldBe(0);
        result.Measurements.ShouldContain(one => one.Figure == "ns/oncache_pod_egress" && one.Median > 0);
        (await File.ReadAllTextAsync(Path.Combine(folder, "latest.html"), Cancellation)).ShouldContain("tcp-rr");
    }

    [Fact]
    public async Task The_scale_benchmark_s_packets_are_hits_and_its_files_hold_every_curve()
    {
        LiveLab.Require();
        string[] arguments = ["bench", "scale", "--rounds", "1", "--flows", "1000", "--agent", LabAgent.Program, "--output", folder];
        _ = (await NetworkNamespace.RunCommandAsync(OwnNamespace, Program, arguments, cancellationToken: Cancellation)).EnsureSuccess();

        var result = BenchResult.Read(Path.Combine(folder, "scale.json"));
        result.Measurements.Select(one => one.Workload).Distinct()
            .ShouldBe(["scale/flows", "scale/nodes", "scale/pods", "scale/exclusions", "scale/memory", "scale/churn", "scale/pressure"], ignoreOrder: true);
        result.Measurements.Single(one => one.Metric == "scale/pressure/hits" && one.Variant == "percent=200").Median.ShouldBeInRange(0.2, 0.8);
        File.Exists(Path.Combine(folder, "scale.html")).ShouldBeTrue();
    }

    [Fact]
    public async Task Two_builds_are_measured_side_by_side_and_two_rounds_are_too_few_to_judge_them()
    {
        LiveLab.Require();
        string[] arguments = ["bench", "builds", "--base", LabAgent.Program, "--agent", LabAgent.Program, "--only", "tcp-rr,udp-stream", "--rounds", "2", "--output", folder];
        var ended = await NetworkNamespace.RunCommandAsync(OwnNamespace, Program, arguments, cancellationToken: Cancellation);

        ended.ExitCode.ShouldBe(1, ended.Error);
        ended.Output.ShouldContain("fewer than 16 rounds");
        var result = BenchResult.Read(Path.Combine(folder, "builds.json"));
        result.Measurements.Select(one => (one.Workload, one.Variant)).ShouldBe(
            [("tcp-rr", "base"), ("tcp-rr", "this"), ("udp-stream", "base"), ("udp-stream", "this")], ignoreOrder: true);
        result.Measurements.ShouldAllBe(one => one.Figure == Figure.Time.Name && one.Samples.Count == 2 && one.Min > 0);
    }

    [Fact]
    public async Task Slow_flows_pay_for_a_short_lease_and_a_busy_one_does_not()
    {
        LiveLab.Require();
        string[] arguments = ["bench", "lease", "--leases", "4,2,1", "--flows", "1000", "--seconds", "3", "--agent", LabAgent.Program, "--output", folder];
        _ = (await NetworkNamespace.RunCommandAsync(OwnNamespace, Program, arguments, cancellationToken: Cancellation)).EnsureSuccess();

        var result = BenchResult.Read(Path.Combine(folder, "lease.json"));
        result.Gaps.ShouldBeEmpty();
        double Share(string workload, int lease) => result.Measurements.Single(one => one.Metric == $"{workload}/cni-share" && one.Variant == $"lease={lease}").Median / 1e6;
        Share("slow-flows", 4).ShouldBeInRange(0.1, 0.3);
        Share("slow-flows", 1).ShouldBeInRange(0.4, 1);
        Share("busy-flow", 1).ShouldBeLessThan(0.01);
        Share("short-connections", 4).ShouldBeLessThan(0.01);
        Share("short-connections", 1).ShouldBeGreaterThan(0.1, "a verdict of one second opens no connection");
        result.Measurements.Where(one => one.Figure == Figure.Time.Name).Select(one => (one.Workload, one.Variant)).ShouldBe(
            [
                .. from workload in (string[])["busy-flow", "slow-flows", "short-connections"]
                   from variant in (string[])["lease=4", "lease=2", "lease=1", "overlay"]
                   where (workload, variant) is not ("slow-flows", "overlay")
                   select (workload, variant),
            ], ignoreOrder: true);
    }

    [Fact]
    public async Task Rules_that_a_service_proxy_writes_anew_flush_nothing_and_flows_stay_on_the_fast_path()
    {
        LiveLab.Require();
        string[] arguments = ["bench", "host-rules", "--only", "iptables-nft", "--seconds", "3", "--agent", LabAgent.Program, "--output", folder];
        var ended = await NetworkNamespace.RunCommandAsync(OwnNamespace, Program, arguments, cancellationToken: Cancellation);

        var result = BenchResult.Read(Path.Combine(folder, "host-rules.json"));
        result.Gaps.ShouldBeEmpty();
        double Of(string figure) => result.Measurements.Single(one => one.Metric == $"host-rules/{figure}" && one.Variant == "iptables-nft").Median;
        Of("flushes").ShouldBe(0, ended.Error);
        Of("changes").ShouldBeGreaterThan(0);
        Of("hit-ratio").ShouldBeGreaterThan(0.9);
        Of("cpu").ShouldBeInRange(0, 100, "in a few seconds it says no more than that it was measured");
    }

    /// <summary>The lab does not know the agent's types; where it writes into the agent's maps, it must know where the fields are.</summary>
    [Theory]
    [InlineData(typeof(Config), nameof(Config.Mark), DatapathLayout.ConfigMark)]
    [InlineData(typeof(Config), nameof(Config.HeartbeatDeadline), DatapathLayout.ConfigHeartbeatDeadline)]
    [InlineData(typeof(Config), nameof(Config.TouchInterval), DatapathLayout.ConfigTouchInterval)]
    [InlineData(typeof(FilterEntry), nameof(FilterEntry.EgressLease), DatapathLayout.EntryEgressLease)]
    [InlineData(typeof(FilterEntry), nameof(FilterEntry.IngressLease), DatapathLayout.EntryIngressLease)]
    [InlineData(typeof(FilterEntry), nameof(FilterEntry.Touched), DatapathLayout.EntryTouched)]
    [InlineData(typeof(FilterEntry), nameof(FilterEntry.Endpoint), DatapathLayout.EntryEndpoint)]
    [InlineData(typeof(FilterEntry), nameof(FilterEntry.Node), DatapathLayout.EntryNode)]
    [InlineData(typeof(FlowKey), nameof(FlowKey.LocalIp), DatapathLayout.KeyLocalAddress)]
    [InlineData(typeof(FlowKey), nameof(FlowKey.RemoteIp), DatapathLayout.KeyRemoteAddress)]
    [InlineData(typeof(FlowKey), nameof(FlowKey.LocalPort), DatapathLayout.KeyLocalPort)]
    [InlineData(typeof(FlowKey), nameof(FlowKey.RemotePort), DatapathLayout.KeyRemotePort)]
    [InlineData(typeof(FlowKey), nameof(FlowKey.Protocol), DatapathLayout.KeyProtocol)]
    [InlineData(typeof(IngressEntry), nameof(IngressEntry.Ip), DatapathLayout.EndpointAddress)]
    [InlineData(typeof(IngressEntry), nameof(IngressEntry.PodMac), DatapathLayout.EndpointPodMac)]
    [InlineData(typeof(IngressEntry), nameof(IngressEntry.GatewayMac), DatapathLayout.EndpointGatewayMac)]
    [InlineData(typeof(EgressEntry), nameof(EgressEntry.NodeIp), DatapathLayout.NodeAddress)]
    public void What_the_scale_benchmark_writes_lies_where_the_agent_has_it(Type layout, string field, int offset) =>
        ((int)Marshal.OffsetOf(layout, field)).ShouldBe(offset);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static double HitRatio(BenchResult result, string variant) =>
        result.Measurements.Single(one => one.Metric == $"tcp-rr/{Figure.HitRatio.Name}" && one.Variant == variant).Median;
}
