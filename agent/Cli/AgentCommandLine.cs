using System.CommandLine;
using Microsoft.Extensions.Logging;

namespace OnCache.Agent.Cli;

/// <summary>The command line of <c>oncache-agent</c>.</summary>
internal static class AgentCommandLine
{
    /// <summary>Parses the arguments and runs the verb.</summary>
    /// <param name="arguments">As given to the process.</param>
    /// <param name="operations">What the verbs start.</param>
    /// <param name="streams">Where they write.</param>
    /// <param name="cancellationToken">Stops the verb; the process' signals are the caller's.</param>
    /// <returns>The exit status: see <see cref="ExitStatus"/>.</returns>
    public static async Task<int> InvokeAsync(
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
        var parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            // The first word that is not known explains what follows from it: the value after it, the command missing in its place.
            var problems = parsed.UnmatchedTokens.Count > 0
                ? [$"{parsed.UnmatchedTokens[0]} is not a command or option known here"]
                : parsed.Errors.Select(error => error.Message.TrimEnd('.')).Distinct(StringComparer.Ordinal);
            foreach (var problem in problems)
            {
                streams.Problem($"{problem} (see oncache-agent --help)");
            }

            return ExitStatus.Usage;
        }

        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration
                {
                    Output = streams.Output,
                    Error = streams.Error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null,
                },
                cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitStatus.Success;
        }
        catch (Exception failure)
        {
            // The one place where whatever went wrong becomes one line; the rest of it is for whoever asks for it.
            streams.Problem((failure as TypeInitializationException)?.InnerException?.Message ?? failure.Message);
            if (parsed.GetValue(logging) <= LogLevel.Debug)
            {
                await streams.Error.WriteLineAsync(failure.ToString());
            }

            return ExitStatus.Failure;
        }
    }
}
