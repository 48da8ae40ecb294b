using System.CommandLine;
using OnCache.Lab.Bench.Apply;
using OnCache.Lab.Demo;
using OnCache.Lab.Demo.Cluster;
using Spectre.Console;

namespace OnCache.Lab.Commands;

internal static class BenchCommand
{
    public static Command Create() => new("bench", "Measure what the demonstrations do not") { Apply() };

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
            return new ApplyBench(options, new DemoConsole(AnsiConsole.Console)).RunAsync(cancellationToken);
        });
        return command;
    }
}
