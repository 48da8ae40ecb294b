using System.CommandLine;
using OnCache.Lab.Demo;
using Spectre.Console;

namespace OnCache.Lab.Commands;

internal static class DemoCommand
{
    private const string NoAgent = "none";

    public static Command Create()
    {
        var agent = new Option<string>("--agent")
        {
            Description = $"Path of oncache-agent, or {NoAgent} for the plain parts only",
            DefaultValueFactory = _ => Path.Combine(AppContext.BaseDirectory, "oncache-agent"),
        };
        var rounds = LabArguments.Number("--rounds", "How often every slice is repeated", new DemoOptions().Rounds);
        var seconds = LabArguments.Real("--seconds", $"Time spent measuring, {DemoOptions.SecondsPerRound} a round by default");
        var json = new Option<string?>("--json") { Description = "Write the result to this file too" };
        var command = new Command("demo", "Compare pod-to-pod traffic with and without OnCache, and host to host") { agent, rounds, seconds, json };
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
            return new DemoRun(options, new DemoConsole(AnsiConsole.Console)).RunAsync(cancellationToken);
        });
        return command;
    }
}
