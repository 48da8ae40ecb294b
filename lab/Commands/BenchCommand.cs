using System.CommandLine;
using OnCache.Lab.Bench;
using OnCache.Lab.Bench.Apply;
using OnCache.Lab.Bench.Builds;
using OnCache.Lab.Bench.Comparing;
using OnCache.Lab.Bench.HostRules;
using OnCache.Lab.Bench.Instructions;
using OnCache.Lab.Bench.Lease;
using OnCache.Lab.Bench.Results;
using OnCache.Lab.Bench.Running;
using OnCache.Lab.Bench.Scale;
using OnCache.Lab.Bench.Suites;
using OnCache.Lab.Demo;
using OnCache.Lab.Demo.Cluster;
using Spectre.Console;

namespace OnCache.Lab.Commands;

internal static class BenchCommand
{
    public static Command Create() => new("bench", "Measure: against the host, the plain overlay and what else there is") { Run(), Builds(), Count(), Instructions(), Scale(), Lease(), HostRules(), Compare(), Apply(), CoherenceBenchCommand.Create() };

    private static Command Run()
    {
        var suites = string.Join(", ", Suite.All.Select(suite => suite.Name));
        var suite = new Option<Suite>("--suite")
        {
            Description = $"What is measured: {suites}",
            DefaultValueFactory = _ => Suite.Standard,
            CustomParser = result =>
            {
                var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
                var found = Suite.All.FirstOrDefault(candidate => candidate.Name == text);
                if (found is null)
                {
                    result.AddError($"suite: '{text}' is not one of {suites}");
                }

                return found ?? Suite.Standard;
            },
        };
        var only = LabArguments.Words("--only", "Workloads, separated by commas; all of the suite when left out");
        var variants = LabArguments.Words("--variants", $"Of {string.Join(", ", Variant.All.Select(variant => variant.Name))}; all when left out");
        var rounds = new Option<int?>("--rounds") { Description = "How often every slice is repeated; the suite's number when left out" };
        var seconds = LabArguments.Real("--seconds", "Measured time of a slice; the suite's when left out");
        var agent = LabArguments.Agent();
        var output = LabArguments.Output();
        var command = new Command("run", "In the lab: every variant side by side, in interleaved slices; prints ratios, writes JSON and a page") { suite, only, variants, rounds, seconds, agent, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = new BenchOptions
            {
                Suite = parsed.GetValue(suite)!,
                Only = parsed.GetValue(only)!,
                Variants = parsed.GetValue(variants)!,
                Rounds = parsed.GetValue(rounds),
                Seconds = parsed.GetValue(seconds),
                Agent = Path.GetFullPath(parsed.GetValue(agent)!),
                Output = Path.GetFullPath(parsed.GetValue(output)!),
            };
            var screen = Screen();
            var result = await new BenchRun(options, screen).RunAsync(cancellationToken);
            screen.Show(ResultTable.Of(result));
            screen.Say(ResultTable.Legend);
            await FinishAsync(screen, options.Output, "latest", result, cancellationToken);
            return 0;
        });
        return command;
    }

    private static Command Builds()
    {
        var former = new Option<string>("--base") { Description = "Path of oncache-agent as it was", Required = true };
        var agent = LabArguments.Agent();
        var only = LabArguments.Words("--only", $"Of {string.Join(", ", BuildRow.All.Select(row => row.Name))}; all when left out");
        var rounds = LabArguments.Number("--rounds", $"How often every row is measured, an even number; {BuildVerdict.LeastRounds} at least can be judged", BuildsOptions.UsualRounds);
        var output = LabArguments.Output();
        var command = new Command("builds", "Two builds of the agent side by side; exit status 1 when the present one is slower") { former, agent, only, rounds, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = new BuildsOptions
            {
                Base = Path.GetFullPath(parsed.GetValue(former)!),
                Agent = Path.GetFullPath(parsed.GetValue(agent)!),
                Only = parsed.GetValue(only)!,
                Rounds = parsed.GetValue(rounds),
                Output = Path.GetFullPath(parsed.GetValue(output)!),
            };
            var screen = Screen();
            var result = await new BuildsBench(options, screen).RunAsync(cancellationToken);
            var verdicts = BuildVerdict.Of(result, [.. options.ChosenRows.Select(row => row.Name)]);
            screen.Show(BuildsTable.Of(verdicts));
            screen.Say(BuildsTable.Legend);
            await FinishAsync(screen, options.Output, "builds", result, cancellationToken);
            return verdicts.All(verdict => verdict.Change is BuildChange.None or BuildChange.Faster) ? 0 : 1;
        });
        return command;
    }

    private static Command Count()
    {
        var agent = LabArguments.Agent();
        var output = new Option<string>("--output") { Description = "JSON file for the counts", Required = true };
        var command = new Command("count", "Inside a guest of 'eng/guest.sh --count': instructions per transaction on every path") { agent, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var counter = new InstructionCounter(Path.GetFullPath(parsed.GetValue(agent)!), Console.WriteLine);
            (await counter.CountAsync(cancellationToken)).Write(parsed.GetValue(output)!);
            return 0;
        });
        return command;
    }

    private static Command Instructions()
    {
        var counts = new Argument<string>("counts") { Description = "JSON file of 'bench count'" };
        var reference = new Option<string>("--reference")
        {
            Description = "The counts to compare with",
            DefaultValueFactory = _ => Path.Combine("docs", "instructions.json"),
        };
        var record = new Option<bool>("--record") { Description = "Make these counts the reference" };
        var command = new Command("instructions", "Counts of instructions beside the reference's; exit status 1 when one has risen by more than 2 %") { counts, reference, record };
        command.SetAction(parsed =>
        {
            var (path, current) = (parsed.GetValue(reference)!, InstructionCounts.Read(parsed.GetValue(counts)!));
            if (parsed.GetValue(record))
            {
                current.Write(path);
            }

            var comparison = CountComparison.Of(InstructionCounts.Read(path), current);
            var screen = Screen();
            screen.Show(CountsTable.Of(comparison));
            screen.Say(CountsTable.Legend);
            foreach (var line in comparison.Summary)
            {
                screen.Say(line);
            }

            return comparison.HasRisen ? 1 : 0;
        });
        return command;
    }

    private static Command Scale()
    {
        var rounds = LabArguments.Number("--rounds", "How often every sample is repeated", 5);
        var flows = LabArguments.Number("--flows", "The most cached flows", 1_000_000);
        var agent = LabArguments.Agent();
        var output = LabArguments.Output();
        var command = new Command("scale", "Cost of a packet against flows, nodes, pods, exclusions and pressure; memory of the caches; churn") { rounds, flows, agent, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = new ScaleOptions
            {
                Rounds = parsed.GetValue(rounds),
                Flows = parsed.GetValue(flows),
                Agent = Path.GetFullPath(parsed.GetValue(agent)!),
                Output = Path.GetFullPath(parsed.GetValue(output)!),
            };
            var screen = Screen();
            var result = await new ScaleBench(options, screen).RunAsync(cancellationToken);
            screen.Show(ResultTable.OfFigures(result));
            await FinishAsync(screen, options.Output, "scale", result, cancellationToken);
            return 0;
        });
        return command;
    }

    private static Command Lease()
    {
        var usual = new LeaseOptions { Agent = "" };
        var leases = LabArguments.Words("--leases", $"Seconds each, the others compared with the first; {string.Join(',', usual.Leases)} when left out");
        var flows = LabArguments.Number("--flows", "Flows of one exchange a second", usual.Flows);
        var seconds = LabArguments.Number("--seconds", "Measured time of each workload, in each of two passes", usual.Seconds);
        var agent = LabArguments.Agent();
        var output = LabArguments.Output();
        var command = new Command("lease", "What each lease costs a busy flow, many slow ones, and short connections") { leases, flows, seconds, agent, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var chosen = parsed.GetValue(leases)!;
            var options = usual with
            {
                Leases = chosen.Count == 0 ? usual.Leases : [.. chosen.Select(LeaseOptions.Parse)],
                Flows = parsed.GetValue(flows),
                Seconds = parsed.GetValue(seconds),
                Agent = Path.GetFullPath(parsed.GetValue(agent)!),
                Output = Path.GetFullPath(parsed.GetValue(output)!),
            };
            var screen = Screen();
            var result = await new LeaseBench(options, screen).RunAsync(cancellationToken);
            screen.Show(ResultTable.OfFigures(result));
            await FinishAsync(screen, options.Output, "lease", result, cancellationToken);
            return 0;
        });
        return command;
    }

    private static Command HostRules()
    {
        var usual = new HostRulesOptions { Agent = "" };
        var only = LabArguments.Words("--only", $"Of {string.Join(", ", Replay.Names)}; all when left out");
        var seconds = LabArguments.Number("--seconds", "Measured time of each", usual.Seconds);
        var agent = LabArguments.Agent();
        var output = LabArguments.Output();
        var command = new Command("host-rules", "What an agent pays while a service proxy keeps writing rules; exit status 1 when it flushes, or takes more than 2 % of a core") { only, seconds, agent, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = usual with
            {
                Only = parsed.GetValue(only)!,
                Seconds = parsed.GetValue(seconds),
                Agent = Path.GetFullPath(parsed.GetValue(agent)!),
                Output = Path.GetFullPath(parsed.GetValue(output)!),
            };
            var screen = Screen();
            var (result, objections) = await new HostRulesBench(options, screen).RunAsync(cancellationToken);
            screen.Show(ResultTable.OfFigures(result));
            await FinishAsync(screen, options.Output, "host-rules", result, cancellationToken);
            foreach (var objection in objections)
            {
                await Console.Error.WriteLineAsync($"oncache-lab: {objection}");
            }

            return objections.Count == 0 ? 0 : 1;
        });
        return command;
    }

    private static Command Compare()
    {
        var before = new Argument<string>("before") { Description = "JSON file of a run" };
        var after = new Argument<string>("after") { Description = "JSON file of a later run" };
        var command = new Command("compare", "What changed between two results beyond the noise; exit status 1 when something of OnCache became worse") { before, after };
        command.SetAction(parsed =>
        {
            var comparison = ResultComparison.Of(BenchResult.Read(parsed.GetValue(before)!), BenchResult.Read(parsed.GetValue(after)!));
            var screen = Screen();
            if (ChangeTable.Of(comparison) is { } table)
            {
                screen.Show(table);
            }

            screen.Say(ChangeTable.Summary(comparison));
            return comparison.HasRegression ? 1 : 0;
        });
        return command;
    }

    private static Command Apply()
    {
        var root = LabArguments.Root();
        var rounds = LabArguments.Number("--rounds", "How often the policy is applied and deleted under each flow", 10);
        var json = LabArguments.Json();
        var command = new Command("apply", "In a real two-node Kubernetes: from a policy's write and deletion to their effect on an established flow") { root, rounds, json };
        command.SetAction((parsed, cancellationToken) =>
        {
            var options = new ClusterDemoOptions
            {
                Root = Path.GetFullPath(parsed.GetValue(root)!),
                Rounds = parsed.GetValue(rounds),
                JsonPath = parsed.GetValue(json),
            };
            return new ApplyBench(options, Screen()).RunAsync(cancellationToken);
        });
        return command;
    }

    private static async Task FinishAsync(DemoConsole screen, string folder, string name, BenchResult result, CancellationToken cancellationToken)
    {
        foreach (var gap in result.Gaps)
        {
            screen.Say($"not measured: {gap}");
        }

        if (!Gnuplot.Exists)
        {
            screen.Say("no plots: gnuplot is not installed (Debian package gnuplot-nox)");
        }

        screen.Say($"written to {await ResultFolder.WriteAsync(folder, name, result, cancellationToken)}");
    }

    private static DemoConsole Screen() => new(AnsiConsole.Console);
}
