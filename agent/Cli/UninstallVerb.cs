using System.CommandLine;

namespace OnCache.Agent.Cli;

/// <summary><c>oncache-agent uninstall</c>: removes all of ours from the machine and nothing else.</summary>
internal static class UninstallVerb
{
    public static Command Create(IAgentOperations operations)
    {
        var pinRoot = AgentOptions.PinRoot();
        var socket = AgentOptions.Socket();
        var logging = AgentOptions.Logging();
        var command = new Command("uninstall", "remove programs, links, maps and settings of ours from this node") { pinRoot, socket, logging };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var level = parsed.GetValue(logging);
            using var loggers = AgentLogging.Create(level);
            return await operations.UninstallAsync(
                new UninstallSettings(parsed.GetRequiredValue(pinRoot), parsed.GetRequiredValue(socket), level),
                loggers,
                cancellationToken);
        });
        return command;
    }
}
