using System.CommandLine;
using System.Text.Json;
using OnCache.Agent.Telemetry;
using OnCache.Kubernetes.Cli;

namespace OnCache.Agent.Cli;

/// <summary><c>oncache-agent status</c>: asks the running agent.</summary>
internal static class StatusVerb
{
    public static Command Create(Streams streams)
    {
        var socket = AgentOptions.Socket();
        var output = AgentOptions.Output();
        var command = new Command("status", "tell what the running agent does") { socket, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = new AgentClient(parsed.GetRequiredValue(socket));
            var json = await client.StatusJsonAsync(cancellationToken);
            await streams.Output.WriteAsync(parsed.GetValue(output) == OutputFormat.Json
                ? json + "\n"
                : StatusText.Of(JsonSerializer.Deserialize(json, AgentJson.Default.AgentStatus)!));
            return ExitStatus.Success;
        });
        return command;
    }
}
