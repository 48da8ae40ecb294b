using System.CommandLine;
using Microsoft.Extensions.Logging;
using OnCache.Kubernetes.Cli;

namespace OnCache.Agent.Cli;

/// <summary><c>oncache-agent uninstall</c>: removes all of ours from the machine and nothing else.</summary>
internal static class UninstallVerb
{
    public static Command Create(IAgentOperations operations, Option<LogLevel?> logging)
    {
        var pinRoot = AgentOptions.PinRoot();
        var socket = AgentOptions.Socket();
        var conntrack = AgentOptions.ConntrackSysctl();
        var command = new Command("uninstall", "remove programs, links, maps and settings of ours from this node") { pinRoot, socket, conntrack };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var level = parsed.GetValue(logging) ?? LogLevel.Information;
            using var loggers = LogLines.Create(level);
            return await operations.UninstallAsync(
                new UninstallSettings(parsed.GetRequiredValue(pinRoot), parsed.GetRequiredValue(socket), parsed.GetRequiredValue(conntrack), level),
                loggers,
                cancellationToken);
        });
        return command;
    }
}
