using Microsoft.Extensions.Logging;
using OnCache.Agent.Configuration;

namespace OnCache.Agent.Cli;

/// <summary>What the command line starts: the verbs that touch the machine.</summary>
internal interface IAgentOperations
{
    /// <summary>Runs the agent until cancelled.</summary>
    /// <returns>The exit status.</returns>
    Task<int> RunAsync(AgentSettings settings, IConfigurationSource configuration, ILoggerFactory loggers, CancellationToken cancellationToken);

    /// <summary>Runs the agent of a cluster's node until cancelled: what to do comes from the API server.</summary>
    /// <returns>The exit status.</returns>
    Task<int> RunInClusterAsync(AgentSettings settings, ILoggerFactory loggers, CancellationToken cancellationToken);

    /// <summary>Removes all of ours from the machine.</summary>
    /// <returns>The exit status.</returns>
    Task<int> UninstallAsync(UninstallSettings settings, ILoggerFactory loggers, CancellationToken cancellationToken);
}
