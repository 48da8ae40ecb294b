using System.CommandLine;
using Microsoft.Extensions.Logging;
using OnCache.Kubernetes.Cli;

namespace OnCache.Agent.Cli;

/// <summary>The command line of <c>oncache-agent</c>.</summary>
internal static class AgentCommandLine
{
    public const string Program = "oncache-agent";

    /// <summary>Parses the arguments and runs the verb.</summary>
    /// <param name="arguments">As given to the process.</param>
    /// <param name="operations">What the verbs start.</param>
    /// <param name="streams">Where they write.</param>
    /// <param name="cancellationToken">Stops the verb; the process' signals are the caller's.</param>
    /// <returns>The exit status: see <see cref="ExitStatus"/>.</returns>
    public static Task<int> InvokeAsync(
        IReadOnlyList<string> arguments,
        IAgentOperations operations,
        Streams streams,
        CancellationToken cancellationToken)
    {
        var logging = AgentOptions.Logging();
        var root = new RootCommand("Takes the cost out of the container overlay network of this node.")
        {
            logging,
            RunVerb.Create(operations, logging, streams),
            StatusVerb.Create(streams),
            FlushVerb.Create(streams),
            UninstallVerb.Create(operations, logging),
        };
        return CommandRunner.InvokeAsync(root, arguments, streams, parsed => parsed.GetValue(logging) <= LogLevel.Debug, cancellationToken);
    }
}
