using System.CommandLine;
using OnCache.Lab.Demo;
using OnCache.Lab.Demo.Cluster;
using Spectre.Console;

namespace OnCache.Lab.Commands;

internal static class DemoCommand
{
    private const string NoAgent = "none";

    public static Command Create() => new("demo", "Show what OnCache does to pod-to-pod traffic") { Overlay(), Cluster(), UseCluster() };

    private static Command Overlay()
    {
        var agent = new Option<string>("--agent")
        {
            Description = $"Path of oncache-agent, or {NoAgent} for the plain parts only",
            DefaultValueFactory = _ => Path.Combine(AppContext.BaseDirectory, "oncache-agent"),
        };
        var rounds = LabArguments.Number("--rounds", "How often every slice is repeated", new DemoOptions().Rounds);
        var seconds = LabArguments.Real("--seconds", $"Time spent measuring, {DemoOptions.SecondsPerRound} a round by default");
        var json = LabArguments.Json();
        var command = new Command("overlay", "Without Kubernetes: pod to pod with and without OnCache, and host to host, in interleaved slices") { agent, rounds, seconds, json };
        command.SetAction((parsed, cancellationToken) =>
        {
            var path = parsed.GetValue(agent)!;
            var options = new DemoOptions
            {
                Agent = path == NoAgent ? null : Path.GetFullPath(path),
                Rounds = parsed.GetValue(rounds),
                Seconds = parsed.GetValue(seconds) ?? parsed.GetValue(rounds) * DemoOptions.SecondsPerRound,
                JsonPath = parsed.GetValue(json),
            };
            return new DemoRun(options, Screen()).RunAsync(cancellationToken);
        });
        return command;
    }

    private static Command Cluster()
    {
        var root = LabArguments.Root();
        var rounds = LabArguments.Number("--rounds", "How often every slice is repeated", 3);
        var json = LabArguments.Json();
        var command = new Command("cluster", "In a real two-node Kubernetes: install, apply a policy, and compare before and after") { root, rounds, json };
        command.SetAction((parsed, cancellationToken) =>
        {
            var options = new ClusterDemoOptions
            {
                Root = Path.GetFullPath(parsed.GetValue(root)!),
                Rounds = parsed.GetValue(rounds),
                JsonPath = parsed.GetValue(json),
            };
            return new ClusterDemo(options, Screen()).RunAsync(cancellationToken);
        });
        return command;
    }

    private static Command UseCluster()
    {
        var root = LabArguments.Root();
        var rounds = LabArguments.Number("--rounds", "How often every slice is repeated", 3);
        var yes = new Option<bool>("--yes") { Description = "Go on without asking" };
        var keep = new Option<bool>("--keep") { Description = "Leave OnCache installed" };
        var command = new Command("use-cluster", "In the cluster that KUBECONFIG names: install, apply a policy, compare before and after, and remove") { root, rounds, yes, keep };
        command.SetAction((parsed, cancellationToken) =>
        {
            var options = new UserClusterOptions(Path.GetFullPath(parsed.GetValue(root)!), parsed.GetValue(rounds), parsed.GetValue(yes), parsed.GetValue(keep));
            options.Validate();
            return new UserClusterDemo(options, Kubectl.OfEnvironment(), Screen()).RunAsync(cancellationToken);
        });
        return command;
    }

    private static DemoConsole Screen() => new(AnsiConsole.Console);
}
