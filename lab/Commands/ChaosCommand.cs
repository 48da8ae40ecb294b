using System.CommandLine;
using OnCache.Lab.Chaos;

namespace OnCache.Lab.Commands;

internal static class ChaosCommand
{
    private const int Violated = 1;

    // The log has them all.
    private const int Shown = 10;

    public static Command Create()
    {
        var seed = new Option<int?>("--seed") { Description = "Repeats the choices of an earlier run; left out, another seed each time" };
        var seconds = LabArguments.Number("--seconds", "How long things happen", 600);
        var agent = Program("--agent", "oncache-agent");
        var manager = Program("--operator", "oncache-operator");
        var definitions = new Option<string>("--definitions")
        {
            Description = "Folder of our custom resource definitions",
            DefaultValueFactory = _ => Path.Combine(Directory.GetCurrentDirectory(), "config/crd"),
        };
        var artifacts = new Option<string>("--artifacts")
        {
            Description = "Folder of the log",
            DefaultValueFactory = _ => Path.Combine(Directory.GetCurrentDirectory(), "artifacts/chaos"),
        };
        var sabotage = new Option<bool>("--sabotage") { Description = "Keep all news of the API from the agents; one that is deaf to netfilter too must be found at fault" };
        var command = new Command("chaos", "Random events under traffic, judged by an oracle that knows what the CNI would allow")
        {
            seed, seconds, agent, manager, definitions, artifacts, sabotage,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = new ChaosOptions
            {
                Agent = Path.GetFullPath(parsed.GetValue(agent)!),
                Operator = Path.GetFullPath(parsed.GetValue(manager)!),
                Definitions = Path.GetFullPath(parsed.GetValue(definitions)!),
                Artifacts = Path.GetFullPath(parsed.GetValue(artifacts)!),
                Duration = TimeSpan.FromSeconds(parsed.GetValue(seconds)),
                Sabotage = parsed.GetValue(sabotage),
            };
            var report = await new ChaosRun(parsed.GetValue(seed) is { } chosen ? options with { Seed = chosen } : options, Console.WriteLine)
                .RunAsync(cancellationToken);
            foreach (var violation in report.Violations.Take(Shown))
            {
                Console.WriteLine(violation);
            }

            Console.WriteLine(report);
            return report.Violations.Count == 0 ? 0 : Violated;
        });
        return command;
    }

    private static Option<string> Program(string name, string program) => new(name)
    {
        Description = $"Path of {program}",
        DefaultValueFactory = _ => Path.Combine(AppContext.BaseDirectory, program),
    };
}
