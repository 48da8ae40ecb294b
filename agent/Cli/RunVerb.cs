using System.CommandLine;
using Microsoft.Extensions.Logging;
using OnCache.Agent.Configuration;

namespace OnCache.Agent.Cli;

/// <summary><c>oncache-agent run</c>: reads the configuration, then runs the agent until it is told to stop.</summary>
internal static class RunVerb
{
    public static Command Create(IAgentOperations operations, Streams streams)
    {
        var config = AgentOptions.Config();
        var pinRoot = AgentOptions.PinRoot();
        var socket = AgentOptions.Socket();
        var attach = AgentOptions.Attach();
        var tunnelDevice = AgentOptions.TunnelDevice();
        var markBit = AgentOptions.MarkBit();
        var tcPriority = AgentOptions.TcPriority();
        var heartbeatTimeout = AgentOptions.HeartbeatTimeout();
        var logging = AgentOptions.Logging();
        var command = new Command("run", "accelerate the pods of this node until stopped")
        {
            config, pinRoot, socket, attach, tunnelDevice, markBit, tcPriority, heartbeatTimeout, logging,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            new AgentSettings
            {
                Config = parsed.GetRequiredValue(config),
                PinRoot = parsed.GetRequiredValue(pinRoot),
                Socket = parsed.GetRequiredValue(socket),
                Attach = parsed.GetValue(attach),
                TunnelDevice = parsed.GetValue(tunnelDevice),
                MarkBit = parsed.GetValue(markBit),
                TcPriority = parsed.GetValue(tcPriority),
                HeartbeatTimeout = parsed.GetValue(heartbeatTimeout),
                LogLevel = parsed.GetValue(logging),
            },
            operations,
            streams,
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(AgentSettings settings, IAgentOperations operations, Streams streams, CancellationToken cancellationToken)
    {
        using var loggers = AgentLogging.Create(settings.LogLevel);
        var (configuration, problems) = ConfigurationSource.Open(settings.Config, TimeProvider.System, loggers.CreateLogger<ConfigurationSource>());
        if (configuration is null)
        {
            foreach (var problem in problems)
            {
                streams.Problem(problem.ToString());
            }

            return ExitStatus.Usage;
        }

        return await operations.RunAsync(settings, configuration, loggers, cancellationToken);
    }
}
