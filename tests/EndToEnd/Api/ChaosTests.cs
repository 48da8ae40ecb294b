using OnCache.EndToEnd.Fixture;
using OnCache.Lab.Chaos;
using OnCache.Lab.Policy;

namespace OnCache.EndToEnd.Api;

/// <summary>The short form of the chaos run, and that its oracle would notice.</summary>
public sealed class ChaosTests
{
    private static ChaosOptions Options => new()
    {
        Agent = LabAgent.Program,
        Operator = ApiLabs.Operator,
        Definitions = ApiLabs.Definitions,
        Artifacts = Path.Combine(AppContext.BaseDirectory, "chaos"),
        Duration = TimeSpan.FromSeconds(45),

        // Other tests and a whole build may want the cores.
        Allowance = TimeSpan.FromSeconds(4),
    };

    [Theory]
    [InlineData(2, EnforcerKind.Cutting)]
    [InlineData(null, EnforcerKind.NewOnly)]
    public async Task Whatever_happens_nothing_is_delivered_that_the_CNI_forbids_and_no_connection_is_lost(int? seed, EnforcerKind enforcer)
    {
        await ApiLabs.RequireAsync();
        var options = Options with { Enforcer = enforcer };

        var report = await RunAsync(seed is { } chosen ? options with { Seed = chosen } : options);

        report.Violations.ShouldBeEmpty(report.ToString());
        report.Events.Values.Sum().ShouldBePositive();
        report.Packets.ShouldBePositive();
        report.Connections.ShouldBePositive();
        report.Hits.ShouldBePositive();
    }

    [Fact]
    public async Task Agents_that_hear_nothing_behind_the_oracles_back_are_found_at_fault()
    {
        await ApiLabs.RequireAsync();

        // An agent that hears of nothing by the API still hears the enforcer's rules from netfilter, unless it is deaf to these as well.
        var report = await RunAsync(Options with
        {
            Agent = LabAgent.DeafProgram,
            Seed = 2,
            Enforcer = EnforcerKind.Cutting,
            Allowance = TimeSpan.FromSeconds(1),
            Sabotage = true,
        });

        report.Violations.ShouldContain(violation => violation.StartsWith("stale", StringComparison.Ordinal));
    }

    private static Task<ChaosReport> RunAsync(ChaosOptions options) =>
        new ChaosRun(options, TestContext.Current.TestOutputHelper!.WriteLine).RunAsync(TestContext.Current.CancellationToken);
}
