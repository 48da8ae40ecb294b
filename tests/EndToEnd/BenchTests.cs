using OnCache.EndToEnd.Fixture;
using OnCache.Lab.Bench.Results;
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
        foreach (var workload in Suite.Quick.Workloads)
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

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static double HitRatio(BenchResult result, string variant) =>
        result.Measurements.Single(one => one.Metric == $"tcp-rr/{Figure.HitRatio.Name}" && one.Variant == variant).Median;
}
